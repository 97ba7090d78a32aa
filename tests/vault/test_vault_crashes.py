"""A vault killed at any step loses no acknowledged card, keeps nothing half, and finishes its rotation
later."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vault_bench import Bench, many

from payrail.runtime import faults
from payrail.runtime.durable_file import ReplaceFaults
from payrail.runtime.keyed_store import StoreFaults
from payrail.vault.errors import CardUnreadable
from payrail.vault.keyring import Keyring
from payrail.vault.opened import Vault
from waiting import LIMIT_S

CHILD = Path(__file__).with_name("vault_child.py")
NUMBERS = many(6)
for store in ("vault.cards", "vault.tokens"):
    StoreFaults(store)
ReplaceFaults("vault.keys")

TOKENIZE_POINTS = [
    f"vault.{store}.{step}"
    for store in ("cards", "tokens")
    for step in ("before_append", "half_written", "before_sync", "after_sync")
] + ["vault.tokenize.card_stored", "vault.tokenize.token_stored"]
FIRST_START_POINTS = [
    name for name in faults.known() if name.startswith("vault.") and name.endswith("_replace")
]
ROTATE_POINTS = [
    *(name for name in faults.known() if name.startswith("vault.rotation.")),
    "vault.keys.before_replace",
    "vault.keys.after_replace",
    "vault.keys.before_replace:2",
    "vault.keys.after_replace:2",
    "vault.cards.half_written",
    "vault.cards.before_sync",
    "vault.cards.after_sync",
    "vault.cards.snapshot.before_replace",
    "vault.cards.snapshot.after_replace",
    "vault.cards.before_discard",
    "vault.cards.after_discard",
]


def run_child(directory: Path, task: str, fault: str = "") -> list[tuple[str, str, int]]:
    """What the child acknowledged until it was killed, or until its end if nothing is armed."""
    child = subprocess.run(
        [sys.executable, str(CHILD), str(directory), task, *NUMBERS],
        env={**os.environ, faults.ENVIRONMENT_NAME: fault},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert child.returncode == (-signal.SIGKILL if fault else 0), child.stderr
    lines = [line.split() for line in child.stdout.splitlines()]
    return [(number, token, int(exp_year)) for number, token, exp_year in lines]


def check_acknowledged(vault: Vault, acknowledged: list[tuple[str, str, int]]) -> None:
    """Every acknowledged card is there as acknowledged, or as the one request in flight would have made
    it."""
    last = {token: (number, exp_year) for number, token, exp_year in acknowledged}
    for token, (number, exp_year) in last.items():
        card = vault.store.reveal("m_demo", token)
        assert card["number"] == number
        assert card["exp_year"] in (exp_year, 2035)


def check_whole(directory: Path) -> None:
    """Tokens and cards are the same set, and every card uses a key that is there."""
    items = {
        name: json.loads((directory / name).read_text())["items"]
        for name in ("tokens.json", "encrypted_cards.json")
    }
    keys = [key["id"] for key in json.loads((directory / "keys.json").read_text())["encryption_keys"]]
    assert items["tokens.json"].keys() == items["encrypted_cards.json"].keys()
    assert {card["key_id"] for card in items["encrypted_cards.json"].values()} <= set(keys)


@pytest.mark.parametrize("passage", [1, 8])
@pytest.mark.parametrize("point", TOKENIZE_POINTS)
async def test_a_vault_killed_while_it_takes_cards_keeps_every_acknowledged_one(
    bench: Bench, point: str, passage: int
) -> None:
    if point.startswith("vault.tokenize.") and passage > len(NUMBERS):
        passage = len(NUMBERS)
    acknowledged = run_child(bench.files, "tokenize", f"{point}:{passage}")
    again = run_child(bench.files, "tokenize")
    assert len(again) == 2 * len(NUMBERS)
    known = {number: token for number, token, _ in acknowledged}
    assert {number: token for number, token, _ in again if number in known} == known, (
        "the same tokens as before"
    )
    vault = await bench.opened()
    check_acknowledged(vault, again)
    await vault.close()
    check_whole(bench.files)


@pytest.mark.parametrize("point", FIRST_START_POINTS)
async def test_a_vault_killed_at_its_first_start_starts_again(bench: Bench, point: str) -> None:
    run_child(bench.files, "tokenize", point)
    acknowledged = run_child(bench.files, "tokenize")
    vault = await bench.opened()
    check_acknowledged(vault, acknowledged)
    await vault.close()


@pytest.mark.parametrize("point", ROTATE_POINTS)
async def test_a_rotation_killed_at_any_step_goes_on_and_retires_the_old_key(
    bench: Bench, point: str
) -> None:
    acknowledged = run_child(bench.files, "tokenize")
    keys_before = (bench.files / "keys.json").read_bytes()
    (old_key,) = json.loads(keys_before)["encryption_keys"]

    run_child(bench.files, "rotate", point)
    vault = await bench.opened()
    check_acknowledged(vault, acknowledged)
    if vault.rotation.running:
        await vault.rotation.finished()
    elif vault.store.keyring.active_id == old_key["id"]:
        await vault.rotation.rotate(wait=True)
    check_acknowledged(vault, acknowledged)
    assert vault.store.keyring.older_ids == []
    assert vault.store.keyring.active_id != old_key["id"]
    await vault.close()

    check_whole(bench.files)
    keys_after = json.loads((bench.files / "keys.json").read_text())["encryption_keys"]
    assert [key["id"] == old_key["id"] for key in keys_after] == [False]
    assert_old_key_opens_nothing(bench, keys_before)


def assert_old_key_opens_nothing(bench: Bench, keys_before: bytes) -> None:
    """Not even who kept a copy of the old key can read what is on the disk now."""
    kept = bench.data_dir / "kept" / "keys.json"
    kept.parent.mkdir()
    kept.write_bytes(keys_before)
    kept.chmod(0o600)
    old = Keyring.open(kept, clock=bench.clock, ids=bench.ids)
    cards = json.loads((bench.files / "encrypted_cards.json").read_text())["items"]
    assert len(cards) == len(NUMBERS)
    for token, sealed in cards.items():
        with pytest.raises(CardUnreadable):
            old.unseal(token, sealed)


async def test_cards_left_without_a_token_are_set_aside_and_reported(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    run_child(bench.files, "tokenize", "vault.tokenize.card_stored:3")
    vault = await bench.opened()
    await vault.close()
    assert "1 encrypted cards without a token" in caplog.text
    (line,) = (bench.files / "encrypted_cards.json.quarantine").read_text().splitlines()
    ((_, sealed),) = json.loads(line).items()
    assert sealed["ciphertext"]
