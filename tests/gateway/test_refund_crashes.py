"""The process dies around the execution of a refund; after a restart it is executed, once."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from test_refund_races import CAPTURED, People, folded, require_verified

from waiting import wait_until

# Before it the payment makes five entries and two provider calls; the request is one entry more.
MOMENTS = {
    "approved, not yet told to anyone": "ledger.after_sync:7",
    "about to call the provider": "provider.before_call:3",
    "the provider has refunded, nothing is written": "provider.after_call:3",
    "the outcome is written half": "ledger.half_written:8",
    "the outcome is durable, nobody was answered": "ledger.after_sync:8",
}


@pytest.mark.parametrize("fault", MOMENTS.values(), ids=MOMENTS.keys())
def test_refund_is_executed_once_whenever_the_process_dies(
    start_stack: Callable[..., Any], fault: str
) -> None:
    stack = start_stack("--no-console", RESOLVER_INTERVAL_S="0.1", PAYRAIL_FAULT=fault)
    people = People(stack)
    payment_id = people.captured_payment()
    body = {"payment_id": payment_id, "amount": 4_000, "reason": "crash"}
    path = f"/refunds/{people.post('/refunds', body, 'request').json()['id']}"
    with pytest.raises(httpx.TransportError):
        people.post(f"{path}/approve", {}, "approve", "anna", "approver")
    stack.wait()

    stack.env.pop("PAYRAIL_FAULT")
    stack.restart()
    last: list[httpx.Response] = []

    def is_answered() -> bool:
        last.append(people.post(f"{path}/approve", {}, "approve", "anna", "approver"))
        return last[-1].status_code == 200

    wait_until(is_answered, "the retry has its answer")
    assert last[-1].json()["state"] == "SUCCEEDED"
    again = people.post(f"{path}/approve", {}, "approve", "anna", "approver")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (last[-1].content, "true")
    with stack.internal_client("provider-sim") as provider:
        shown = provider.get("/providers/providerA/state").json()
    assert shown["operations"]["refund"] == 1
    assert stack.stop() == 0
    state = folded(stack.data_dir)
    payment = state.payments[payment_id]
    assert (payment.amount_refunded, payment.amount_refundable) == (4_000, CAPTURED - 4_000)
    assert state.balances.out_of_balance() == {}
    assert state.balances.of("refund_clearing", "USD") == 0
    require_verified(stack.data_dir)
