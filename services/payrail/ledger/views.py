"""A thing of the ledger as the wire and the events show it."""

from typing import Any

from payrail.ledger.dispute import Dispute
from payrail.ledger.dispute_view import dispute_view
from payrail.ledger.payment import Payment
from payrail.ledger.payment_view import payment_view
from payrail.ledger.refund import Refund
from payrail.ledger.refund_view import refund_view
from payrail.ledger.settlement import JobRecord
from payrail.ledger.settlement_view import record_view
from payrail.ledger.state import Subject


def view_of(subject: Subject | JobRecord) -> dict[str, Any]:
    """The contract's `Payment`, `Refund` or `Dispute`, or what the ledger jobs entered."""
    match subject:
        case Payment():
            return payment_view(subject)
        case Refund():
            return refund_view(subject)
        case Dispute():
            return dispute_view(subject)
        case _:
            return record_view(subject)
