"""The process dies around the release of an expired hold; after a restart it is released, once."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from payrail.cli.verification import verify_data_dir
from waiting import wait_until

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
BODY = {"amount": 4999, "currency": "USD", "payment_method": {"card": CARD}}
ADMIN = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
WEEK_S = 7 * 24 * 3600

# Before it the payment makes three entries and one provider call.
MOMENTS = {
    "the clock stands in the future, nothing has begun": "ledger.before_write:4",
    "the intent is durable": "ledger.after_sync:4",
    "about to call the provider": "provider.before_call:2",
    "the provider has released it, nothing is written": "provider.after_call:2",
    "the outcome is written half": "ledger.half_written:5",
    "the outcome is durable, nobody was answered": "ledger.after_sync:5",
}


@pytest.mark.parametrize("fault", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_hold_is_released_once_whenever_the_process_dies(
    start_stack: Callable[..., Any], fault: str
) -> None:
    stack = start_stack("--no-console", RESOLVER_INTERVAL_S="3600", PAYRAIL_FAULT=fault)
    with stack.client() as client:
        made = client.post("/payments", json=BODY, headers={"Idempotency-Key": "create"})
        path = f"/payments/{made.json()['id']}"
        held = client.post(f"{path}/authorize", headers={"Idempotency-Key": "authorize"})
        assert held.json()["state"] == "AUTHORIZED"
    move = {"json": {"advance_s": WEEK_S}, "headers": {**ADMIN, "Idempotency-Key": "week"}}
    with stack.client(stack.console_key) as console, pytest.raises(httpx.TransportError):
        console.post("/clock", **move)
    stack.wait()

    stack.env.update(RESOLVER_INTERVAL_S="0.1")
    stack.env.pop("PAYRAIL_FAULT")
    stack.restart()
    with stack.client() as client, stack.client(stack.console_key) as console:
        wait_until(lambda: client.get(path).json()["state"] == "EXPIRED", "the hold is released")
        again = console.post("/clock", **move)
        assert (again.status_code, round(again.json()["offset_s"])) == (200, WEEK_S)
    with stack.internal_client("provider-sim") as provider:
        assert provider.get("/providers/providerA/state").json()["operations"]["reverse"] == 1
    assert stack.stop() == 0
    assert verify_data_dir(stack.data_dir).findings == []
