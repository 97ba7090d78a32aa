"""Type checkers see what the SDK promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node_tools import node_tool

PROGRAM = Path(__file__).with_name("typed_program.py")


def test_mypy_strict_agrees_with_a_users_program(tmp_path: Path, pytestconfig: pytest.Config) -> None:
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
        str(PROGRAM),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_strict_agrees_with_a_users_program(tmp_path: Path) -> None:
    """In a folder of its own. The comments that expect an error are needed here as well."""
    tool = node_tool("tests/sdk", "pyright")
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    settings = {
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        "pythonVersion": "3.11",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [tool, "--project", str(tmp_path), "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
