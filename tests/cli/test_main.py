"""The command itself: what it says, and what it does not import to say it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from waiting import LIMIT_S

HEAVY = ("connexion", "uvicorn", "pydantic", "httpx", "payrail.gateway", "payrail.runtime.settings")


def run(*arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-X", "importtime", "-m", "payrail.cli.main", *arguments]
    wide = {**os.environ, "COLUMNS": "100"}  # However wide the terminal is that the tests run in.
    return subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=cwd, env=wide
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["up", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not imported & set(HEAVY)


def test_help_names_the_commands_that_people_type() -> None:
    listed = run("--help").stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line] == [
        "up", "verify", "settle", "reconcile", "balances", "trace",
    ]  # fmt: skip


def test_help_of_up_shows_every_option_with_its_default() -> None:
    out = run("up", "--help").stdout
    for option in ("--data-dir", "--fresh", "--isolated", "--workers", "--no-console", "--verbose"):
        assert option in out
    assert "1<=x<=64" in out
    assert "./data" in out


@pytest.mark.parametrize(
    "command",
    [
        ["up"],
        ["verify"],
        ["trace", "cor_1"],
        ["balances"],
        ["settle", "--date", "2026-03-02"],
        ["reconcile", "--date", "2026-03-02"],
        ["serve", "vault"],
    ],
    ids=lambda command: command[0],
)
def test_an_empty_path_is_refused_and_not_taken_for_the_current_folder(
    command: list[str], tmp_path: Path
) -> None:
    for empty in ("--data-dir=", "--data-dir= "):
        done = run(*command, empty, cwd=tmp_path)
        assert done.returncode == 2
        assert "'--data-dir': it is empty; name a path, or leave the option out." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_does_not_exist_is_told() -> None:
    done = run("upp")
    assert done.returncode == 2
    assert "No such command 'upp'" in done.stderr
