"""Type checkers see what the SDK promises."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("typed_program.py")


def test_strict_checker_agrees_with_a_users_program(tmp_path: Path, pytestconfig: pytest.Config) -> None:
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
