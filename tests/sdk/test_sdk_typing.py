"""Type checkers see what the SDK promises."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from node_tools import ROOT, node_tool

PROGRAM = Path(__file__).with_name("typed_program.py")
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "sdk" / "README.md").read_text(), re.DOTALL)


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A folder outside this repository with the program, and the examples of the README as they stand."""
    assert EXAMPLES
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    for number, example in enumerate(EXAMPLES, 1):
        (tmp_path / f"example_{number}.py").write_text(example)
    return tmp_path


def test_mypy_strict_agrees_with_a_users_program(users: Path, pytestconfig: pytest.Config) -> None:
    """Outside this repository, so that none of its settings count; it fails for each error that is *not* found, too."""
    cache = pytestconfig.rootpath / ".mypy_cache" / "users-program"
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(cache),
        str(users),
    ]
    done = subprocess.run(command, cwd=users, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_strict_agrees_with_a_users_program(users: Path) -> None:
    """The comments that expect an error are needed here as well."""
    tool = node_tool("tests/sdk", "pyright")
    settings = {
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        "pythonVersion": "3.11",
    }
    (users / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [tool, "--project", str(users), "--pythonpath", sys.executable],
        cwd=users,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
