"""A past for a stack that is to be fuzzed: days with money, a fault in a provider's file, webhooks that nobody took.

Without it the ledger jobs would be asked about an empty ledger, and no link to a day, a break or a dead letter would
ever lead to one.
"""

from datetime import UTC, datetime, time, timedelta

from payrail_sdk import Identity, NewCardParams, PayRail
from stack_process import StackProcess
from waiting import wait_until

CARD: NewCardParams = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2099}}
# A port where nobody listens: what is sent there becomes a dead letter.
NOBODY = "http://127.0.0.1:9/"
PAYMENTS = 6


def make_past(stack: StackProcess) -> None:
    """Let a merchant trade for a day, and let that day and some more go by. It is noon, so that no other day begins."""
    with admin_of(stack, "ann") as ann, admin_of(stack, "ben") as ben:
        ann.webhook_endpoints.create(url=NOBODY, event_types=["payment.captured"])
        day = ann.clock.get().now.date() + timedelta(days=1)
        ann.clock.set(datetime.combine(day, time(12), UTC))
        trade(ann, ben)
        ann.providers.inject_failure("providerA", "settlement_missing", remaining=2)
        ann.clock.advance(days=1)
        assert ann.reconciliations.run(day).open_breaks == 2, "what the provider's file lacks was not found"
        wait_until(lambda: is_given_up_by_tomorrow(ann), "a webhook that nobody took is a dead letter")


def admin_of(stack: StackProcess, user_id: str) -> PayRail:
    identity = Identity(merchant_id="m_demo", role="admin", user_id=user_id)
    return PayRail(stack.console_key, stack.url(), identity=identity)


def trade(ann: PayRail, ben: PayRail) -> None:
    """Captured payments, one of them disputed and one refunded, by two people."""
    ids = []
    for _ in range(PAYMENTS):
        payment = ann.payments.create(amount=4999, currency="USD", payment_method=CARD)
        ann.payments.authorize(payment.id)
        ids.append(ann.payments.capture(payment.id).id)
    ben.refunds.approve(ann.refunds.request(payment_id=ids[0], reason="broken").id)
    ann.disputes.open(payment_id=ids[1], reason="fraudulent")


def is_given_up_by_tomorrow(ann: PayRail) -> bool:
    """Tries wait for one another by the clock of the stack, not by that of the wall."""
    ann.clock.advance(days=1)
    return any(True for _ in ann.dead_letters.list())
