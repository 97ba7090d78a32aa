"""Tools that need Node, for tests: without Node they are left out and say so, and with it they must be there."""

import os
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


def plain_environment(**more: str) -> dict[str, str]:
    """This process's environment and more, in which no tool colours what it says, whatever a build server wishes."""
    kept = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    return kept | {"NO_COLOR": "1"} | more


def node_major() -> int:
    """The version of Node, 0 where there is none."""
    try:
        done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(done.stdout.removeprefix("v").partition(".")[0])
