"""The document of idempotency keys follows the ledger, and can be made from it at any time."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from shop import Shop

from payrail.gateway.adapters.idempotency_cache import IdempotencyCache
from stack_process import StackProcess
from waiting import until, wait_until

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


def _documented(stack: StackProcess) -> dict[str, Any]:
    return _items(stack.data_dir / "idempotency")


def _items(folder: Path) -> dict[str, Any]:
    """What snapshot and log of the document say together, as far as the log's lines are whole."""
    try:
        items: dict[str, Any] = json.loads((folder / "idempotency_keys.json").read_text())["items"]
        *whole, _ = (folder / "idempotency_keys.json.log").read_text().split("\n")
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # It is being made anew.
    for line in whole:
        change = json.loads(line)
        items.update(change.get("put") or {})
        for key in change.get("delete") or []:
            items.pop(key, None)
    return items


def _create(stack: StackProcess, key: str) -> str:
    body = {"amount": 100, "currency": "EUR", "payment_method": {"card": CARD}}
    with stack.client() as client:
        return str(client.post("/payments", json=body, headers={"Idempotency-Key": key}).json()["id"])


def test_a_key_appears_in_the_document_with_the_entry_that_answered_it(stack_process: StackProcess) -> None:
    payment_id = _create(stack_process, "first")
    wait_until(lambda: "m_demo POST /payments first" in _documented(stack_process), "the key is documented")
    record = _documented(stack_process)["m_demo POST /payments first"]
    assert record["entity"] == payment_id
    assert (record["status"], record["claimed_by"], record["answered_by"]) == ("finished", 1, 1)


def test_a_lost_or_damaged_document_is_made_anew_from_the_ledger(stack_process: StackProcess) -> None:
    _create(stack_process, "first")
    wait_until(lambda: bool(_documented(stack_process)), "the key is documented")
    assert stack_process.stop() == 0
    before = _documented(stack_process)
    folder = stack_process.data_dir / "idempotency"
    for damage in (_remove_all, _write_rubbish):
        damage(folder)
        stack_process.restart()
        wait_until(lambda: _documented(stack_process) == before, "the document is whole again")
        assert stack_process.stop() == 0


def _remove_all(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def _write_rubbish(folder: Path) -> None:
    (folder / "idempotency_keys.json").write_text("rubbish\n")


async def _until_keys(folder: Path, expected: set[str]) -> None:
    await until(lambda: {key.rpartition(" ")[2] for key in _items(folder)} == expected)


async def test_an_answered_key_is_shown_for_a_day_of_the_clock_and_an_open_one_until_it_is_answered(
    shop: Shop, tmp_path: Path
) -> None:
    folder = tmp_path / "idempotency"
    cache = IdempotencyCache(folder / "idempotency_keys.json", shop.journal, shop.clock, shop.leases)
    keeping = asyncio.create_task(cache.run())
    payment_id = (await shop.create(key="created")).body["id"]
    shop.providers.script("authorize", "lost_before")
    shop.providers.script("inquire", "lost_before")
    assert (await shop.authorize(payment_id, "open")).status == 202
    await _until_keys(folder, {"created", "open"})
    shop.clock.advance(timedelta(hours=23))
    await shop.create(key="later")
    await _until_keys(folder, {"created", "open", "later"})
    shop.clock.advance(timedelta(hours=2))
    await _until_keys(folder, {"open", "later"})
    await shop.resolve()
    assert shop.payment(payment_id).state == "FAILED"
    await _until_keys(folder, {"later"})
    keeping.cancel()
    await asyncio.wait({keeping})
