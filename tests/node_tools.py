"""Tools that need Node, for tests: without Node they are left out and say so, and with it they must be there."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NODE_MAJOR_MIN = 20


def node_tool(folder: str, name: str) -> str:
    """The path of a tool that is installed in `folder`. Skips the test on a machine without Node."""
    if node_major() < NODE_MAJOR_MIN:
        pytest.skip(f"{name} needs Node {NODE_MAJOR_MIN} or newer")
    tool = ROOT / folder / "node_modules" / ".bin" / name
    assert tool.exists(), f"{name} is not installed: run `make tools`"
    return str(tool)


def node_major() -> int:
    """The version of Node, 0 where there is none."""
    try:
        done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(done.stdout.removeprefix("v").partition(".")[0])
