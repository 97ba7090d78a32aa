"""Two instances of the ledger jobs on one data directory: one sends, the other stands by and goes on when it dies."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ports import free_ports
from stack_process import StackProcess
from stand_ins.webhook_receiver import ACCEPT, FAIL, receiver
from waiting import LIMIT_S, wait_until

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
PAYMENT = {"amount": 100, "currency": "USD", "payment_method": {"card": CARD}}
ADMIN = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}


@pytest.fixture
def second(stack_process: StackProcess) -> Iterator[httpx.Client]:
    """A client of the second instance, which was started after the stack."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "payrail.cli.main", "serve", "ledger-jobs"]
    command += [
        "--data-dir",
        str(stack_process.data_dir),
        "--log-file",
        str(stack_process.data_dir / "second.log"),
    ]
    instance = subprocess.Popen(command, env={**os.environ, "LEDGER_JOBS_PORT": str(port)})
    headers = {"Authorization": f"Bearer {stack_process.internal_key}"}
    base_url = f"http://127.0.0.1:{port}"
    client = httpx.Client(base_url=base_url, headers=headers, timeout=LIMIT_S, trust_env=False)
    try:
        wait_until(lambda: _outbox(client) is not None, "the second instance answers")
        yield client
    finally:
        client.close()
        instance.kill()
        instance.wait(LIMIT_S)


def _outbox(client: httpx.Client) -> dict[str, Any] | None:
    """How the loop of the outbox is."""
    try:
        loops = client.get("/health").json()["loops"]
    except httpx.TransportError:
        return None
    return dict(next(loop for loop in loops if loop["job"] == "outbox"))


def test_one_sends_and_the_other_goes_on_where_it_died(
    stack_process: StackProcess, second: httpx.Client
) -> None:
    with receiver() as shop, stack_process.client(stack_process.console_key) as admin:
        admin.headers.update(ADMIN)
        shop.of_type = {"payment.authorized": FAIL}
        assert admin.post("/webhook-endpoints", json={"url": shop.url}).status_code == 201
        key = {"Idempotency-Key": "create"}
        payment_id = admin.post("/payments", json=PAYMENT, headers=key).json()["id"]
        admin.post(f"/payments/{payment_id}/authorize", json={}, headers={"Idempotency-Key": "authorize"})
        shop.wait(lambda: len(shop.received) >= 2)
        assert _outbox(second) is not None
        assert (_outbox(second) or {})["status"] == "standby"
        elsewhere = second.get("/dead-letters", params={"merchant_id": "m_demo"})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (503, "job_elsewhere")
        due = {one["job"]: one["outcome"] for one in second.post("/due").json()["data"]}
        assert due["outbox"] == "elsewhere"
        assert shop.types() == ["payment.created"]  # Once: the other one did not send it, too.
        stack_process.kill()
        shop.of_type, shop.always = {}, ACCEPT
        shop.wait(lambda: len(shop.ids()) == 2)
        assert shop.types() == ["payment.created", "payment.authorized"]
        assert (_outbox(second) or {})["status"] == "ok"
