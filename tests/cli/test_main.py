"""The command itself: what it says, and what it does not import to say it."""

import subprocess
import sys

import pytest

HEAVY = ("connexion", "uvicorn", "pydantic", "httpx", "payrail.gateway", "payrail.runtime.settings")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-X", "importtime", "-m", "payrail.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


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


def test_a_command_that_does_not_exist_is_told() -> None:
    done = run("upp")
    assert done.returncode == 2
    assert "No such command 'upp'" in done.stderr
