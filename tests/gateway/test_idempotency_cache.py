"""The document of idempotency keys follows the ledger, and can be made from it at any time."""

import json
from pathlib import Path
from typing import Any

from stack_process import StackProcess, wait_until

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


def _documented(stack: StackProcess) -> dict[str, Any]:
    """What snapshot and log of the document say together."""
    folder = stack.data_dir / "idempotency"
    try:
        items: dict[str, Any] = json.loads((folder / "idempotency_keys.json").read_text())["items"]
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # It is being made anew.
    for line in (folder / "idempotency_keys.json.log").read_text().splitlines():
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
