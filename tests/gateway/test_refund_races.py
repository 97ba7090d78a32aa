"""Refunds from many sides at once, over several gateway processes on one data directory."""

import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from payrail.ledger.state import LedgerState
from payrail.runtime.journal.ledger_files import LedgerFiles
from waiting import LIMIT_S

CAPTURED = 10_000
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


class People:
    """Users of the demo merchant, each call over a connection of its own so that any worker may take it."""

    def __init__(self, stack: Any) -> None:
        self._url, self._key = stack.url("gateway"), stack.console_key

    def post(
        self, path: str, body: Any, key: str, user: str = "olga", role: str = "operator"
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._key}", "X-Merchant-Id": "m_demo", "X-Role": role, "X-User-Id": user,
            "Idempotency-Key": key, "Connection": "close",
        }  # fmt: skip
        return httpx.post(f"{self._url}{path}", json=body, headers=headers, timeout=LIMIT_S)

    def captured_payment(self) -> str:
        body = {"amount": CAPTURED, "currency": "USD", "payment_method": {"card": CARD}}
        path = f"/payments/{self.post('/payments', body, 'create').json()['id']}"
        assert self.post(f"{path}/authorize", {}, "authorize").json()["state"] == "AUTHORIZED"
        assert self.post(f"{path}/capture", {}, "capture").json()["state"] == "CAPTURED"
        return path.rpartition("/")[2]


def folded(data_dir: Path) -> LedgerState:
    """The state as the files alone give it."""
    state, files = LedgerState(), LedgerFiles(data_dir / "ledger")
    for located in files.read_new():
        state.stage(located.entry)
        state.publish()
    files.close()
    return state


def require_verified(data_dir: Path) -> None:
    """`payrail verify` finds nothing in the files."""
    command = [sys.executable, "-m", "payrail.cli.main", "verify", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def split(total: int, count: int, seed: int) -> list[int]:
    """`count` amounts that add up to `total`."""
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(1, total), count - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


@pytest.mark.parametrize("seed", [1])
def test_concurrent_refunds_never_return_more_than_was_captured(
    start_stack: Callable[..., Any], seed: int
) -> None:
    stack = start_stack("--workers", "3", "--no-console")
    people = People(stack)
    payment_id = people.captured_payment()
    amounts = split(29_000, 23, seed)

    def request(index: int) -> httpx.Response:
        body = {"payment_id": payment_id, "amount": amounts[index], "reason": "race"}
        return people.post("/refunds", body, f"request-{index}")

    def approve(refund_id: str, user: str) -> httpx.Response:
        return people.post(f"/refunds/{refund_id}/approve", {}, f"approve-{user}", user, "approver")

    with ThreadPoolExecutor(23) as pool:
        answers = list(pool.map(request, range(23)))
        accepted = [answer.json() for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert {answer.json()["code"] for answer in refused} == {"amount_exceeds_refundable"}
        assert sum(refund["amount"] for refund in accepted) <= CAPTURED
        left = CAPTURED - sum(refund["amount"] for refund in accepted)
        turned_away = [amounts[index] for index, answer in enumerate(answers) if answer.status_code != 201]
        assert min(turned_away) > left  # Nothing was refused that still had room.

        self_approved = people.post(f"/refunds/{accepted[0]['id']}/approve", {}, "self", "olga", "approver")
        assert (self_approved.status_code, self_approved.json()["code"]) == (403, "maker_checker_violation")

        twice = [(refund["id"], user) for refund in accepted for user in ("anna", "adam")]
        verdicts = list(pool.map(lambda pair: approve(*pair), twice))
    for first, second in zip(verdicts[::2], verdicts[1::2], strict=True):
        assert sorted([first.status_code, second.status_code]) == [200, 409]
        lost = first if first.status_code == 409 else second
        assert lost.json()["code"] in {"operation_in_progress", "invalid_transition"}

    with stack.internal_client("provider-sim") as provider:
        operations = provider.get("/providers/providerA/state").json()
    assert operations["operations"]["refund"] == len(accepted)
    assert stack.stop() == 0
    state = folded(stack.data_dir)
    payment = state.payments[payment_id]
    assert payment.amount_refunded == sum(refund["amount"] for refund in accepted) <= CAPTURED
    assert state.balances.out_of_balance() == {}
    require_verified(stack.data_dir)
