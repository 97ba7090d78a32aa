"""What the services tell each other arrives however they are spread over processes."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from payrail.testing.cards import Cards
from payrail.testing.inbox import Inbox
from payrail_sdk import Identity, NewCardParams, Payment, PayRail
from stack_process import StackProcess
from waiting import LIMIT_S, wait_until


@pytest.fixture(params=[[], ["--isolated"], ["--workers", "2"]], ids=["embedded", "isolated", "workers"])
def stack(request: pytest.FixtureRequest, start_stack: Callable[..., StackProcess]) -> StackProcess:
    return start_stack(*request.param)


@pytest.fixture
def admin(stack: StackProcess) -> Iterator[PayRail]:
    with PayRail(stack.console_key, stack.url(), identity=Identity("m_demo", "admin", "ana")) as client:
        yield client


def captured(client: PayRail, card: NewCardParams) -> Payment:
    payment = client.payments.create(amount=10_000, currency="EUR", payment_method=card)
    client.payments.authorize(payment.id)
    return client.payments.capture(payment.id)


def test_dispute_that_a_holder_opens_reaches_the_gateway(admin: PayRail) -> None:
    payment = captured(admin, Cards().disputed)
    wait_until(lambda: admin.payments.get(payment.id).amount_refundable == 0, "the dispute is booked")
    (dispute,) = admin.disputes.list(payment_id=payment.id)
    assert (dispute.state, dispute.opened_by) == ("NEEDS_RESPONSE", payment.provider)


def test_move_of_the_clock_brings_what_the_providers_had_still_to_tell(
    stack: StackProcess, admin: PayRail
) -> None:
    payment = captured(admin, Cards().refund_pending)
    refund = admin.refunds.request(payment_id=payment.id, reason="requested")
    with PayRail(stack.console_key, stack.url(), identity=Identity("m_demo", "approver", "ben")) as ben:
        assert ben.refunds.approve(refund.id).state == "PROCESSING"
    admin.clock.advance(minutes=2)
    assert admin.refunds.get(refund.id).state == "SUCCEEDED"


def test_event_is_told_at_once_whichever_process_appended_it(stack: StackProcess, admin: PayRail) -> None:
    """The outbox looks by itself once an hour: it is told."""
    stack.stop()
    stack.restart(OUTBOX_INTERVAL_S="3600")
    with closing(Inbox()) as inbox:
        endpoint = admin.webhook_endpoints.create(url=inbox.url, event_types=["payment.captured"])
        inbox.secrets.append(endpoint.secret)
        payment = captured(admin, Cards().approved)
        assert inbox.wait_for("payment.captured", timeout_s=LIMIT_S).data["id"] == payment.id
