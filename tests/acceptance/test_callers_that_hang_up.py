"""What was begun comes to an outcome, whoever is still there to hear it."""

import json
import socket
from collections.abc import Callable

import pytest

from payrail.testing.cards import Cards
from payrail_sdk import Identity, PayRail
from stack_process import StackProcess
from waiting import wait_until


@pytest.mark.parametrize("options", [[], ["--isolated"]], ids=["embedded", "isolated"])
def test_payment_whose_caller_hangs_up_goes_on_to_the_next_provider_and_waits_for_the_retry(
    start_stack: Callable[..., StackProcess], options: list[str]
) -> None:
    """The call of the first provider is lost: it is reversed there, and the second one is asked."""
    # One call waits for it; for all the others it must be longer than a busy machine needs.
    stack = start_stack(*options, PROVIDER_TIMEOUT_S="3")
    with PayRail(stack.console_key, stack.url(), identity=Identity("m_demo", "admin", "ana")) as admin:
        admin.providers.inject_failure("providerA", mode="timeout", operation="authorize", remaining=1)
        payment = admin.payments.create(amount=1999, currency="EUR", payment_method=Cards().approved)

        def state() -> str:
            return admin.payments.get(payment.id).state

        with socket.create_connection(("127.0.0.1", stack.ports["gateway"])) as caller:
            caller.sendall(authorization(stack, payment.id))
            wait_until(lambda: state() != "CREATED", "the intent is written")
        wait_until(lambda: state() == "AUTHORIZED", "the second provider approved")

        authorized = admin.payments.get(payment.id)
        assert [(one.operation, one.provider, one.outcome) for one in authorized.attempts] == [
            ("authorize", "providerA", "reversed"),
            ("reversal", "providerA", "approved"),
            ("authorize", "providerB", "approved"),
        ]
        with stack.client() as retry:
            answer = retry.post(f"/payments/{payment.id}/authorize", headers={"Idempotency-Key": "gone"})
        assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
        assert answer.json()["version"] == authorized.version


def authorization(stack: StackProcess, payment_id: str) -> bytes:
    """The request as it goes over the wire."""
    lines = [
        f"POST /payments/{payment_id}/authorize HTTP/1.1",
        "Host: payrail",
        f"Authorization: Bearer {stack.merchant_key}",
        f"Idempotency-Key: {json.dumps('gone')}",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
