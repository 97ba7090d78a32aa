"""What refunds and disputes make of their payment: amounts that are taken, and the state that follows from them."""

from msgspec.structs import replace

from payrail.ledger.dispute import Dispute
from payrail.ledger.entry import Entry
from payrail.ledger.payment import Payment
from payrail.ledger.payment_fold import touched
from payrail.ledger.refund import Refund


class ReturnsTooMuch(ValueError):
    """Refunds of a payment would hold and have returned more than was captured; such an entry is never written."""

    code = "returns_too_much"


def with_refund(payment: Payment, before: Refund | None, after: Refund, entry: Entry) -> Payment:
    """The payment after `entry` made `after` of its refund. Raises `ReturnsTooMuch` for a reservation above what is
    left."""
    if before is None and after.amount > payment.amount_refundable:
        raise ReturnsTooMuch(f"{after.id} reserves {after.amount}, {payment.amount_refundable} is refundable")
    reserved = after.amount_reserved - (before.amount_reserved if before else 0)
    refunded = after.amount_refunded - (before.amount_refunded if before else 0)
    changed = replace(
        payment,
        amount_reserved=payment.amount_reserved + reserved,
        amount_refunded=payment.amount_refunded + refunded,
    )
    return touched(changed, entry)


def with_dispute(payment: Payment, before: Dispute | None, after: Dispute, entry: Entry) -> Payment:
    """The payment after `entry` made `after` of its dispute. A provider's dispute may take more than is left."""
    disputed = after.amount_disputed - (before.amount_disputed if before else 0)
    opened = after.is_open - (before.is_open if before else False)
    changed = replace(
        payment,
        amount_disputed=payment.amount_disputed + disputed,
        open_disputes=payment.open_disputes + opened,
    )
    return touched(changed, entry)
