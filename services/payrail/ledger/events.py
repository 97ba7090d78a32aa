"""The events that a merchant is told of: derived from the ledger's entries, so that none is lost or made up.

An event's id says where its entry stands: time digits of the entry's id, then its `seq` in sixteen letters.
"""

from typing import Any

from msgspec import Struct

from payrail.ledger.entry import Entry
from payrail.ledger.settlement import BankBooking
from payrail.ledger.state import Committed
from payrail.ledger.views import view_of

_LETTERS = "GHJKMNPQRSTVWXYZ"
_LETTER_OF_HEX = str.maketrans("0123456789abcdef", _LETTERS)
_HEX_OF_LETTER = str.maketrans(_LETTERS, "0123456789abcdef")
_TIME_DIGITS = 10

#: Entry types that are told of, by the event's type. `payment.captured` is told by how much was captured.
_TYPES = {
    "payment.created": "payment.created",
    "payment.authorized": "payment.authorized",
    "payment.declined": "payment.declined",
    "payment.authorization_unknown": "payment.unknown",
    "payment.canceled": "payment.canceled",
    "payment.expired": "payment.expired",
    "payment.failed": "payment.failed",
    "refund.requested": "refund.requested",
    "refund.approved": "refund.approved",
    "refund.rejected": "refund.rejected",
    "refund.succeeded": "refund.succeeded",
    "refund.failed": "refund.failed",
    "dispute.opened": "dispute.opened",
    "dispute.evidence_submitted": "dispute.evidence_submitted",
    "dispute.won": "dispute.won",
    "dispute.lost": "dispute.lost",
    "settlement.created": "settlement.created",
    "reconciliation.completed": "reconciliation.completed",
}
EVENT_TYPES = (*dict.fromkeys(_TYPES.values()), "payment.captured", "payment.partially_captured")


class Event(Struct, frozen=True):
    """The envelope. `data` is what the entry is about, as it was right after the entry."""

    id: str
    type: str
    created_at: str
    merchant_id: str
    correlation_id: str
    data: dict[str, Any]


def event_of(committed: Committed) -> Event | None:
    """The event that an entry makes, none if it is nothing that a merchant is told of."""
    event_type = _type_of(committed)
    if event_type is None:
        return None
    entry, about = committed.entry, committed.about
    if isinstance(about, BankBooking):
        return None  # A provider's, and no merchant's.
    return Event(
        event_id(entry), event_type, entry.at, about.merchant_id, entry.correlation_id, view_of(about)
    )


def may_make_event(entry: Entry) -> bool:
    """Whether the entry's type can make one: for those who look for events without folding everything."""
    return entry.type in _TYPES or entry.type in ("payment.captured", "payment.reversed")


def event_id(entry: Entry) -> str:
    """The id of the event that the entry makes."""
    time_digits = entry.id.rpartition("_")[2][:_TIME_DIGITS]
    return f"evt_{time_digits}{f'{entry.seq:016x}'.translate(_LETTER_OF_HEX)}"


def seq_of(identifier: str) -> int:
    """Where the entry of an event stands. Raises ValueError for what is no event's id."""
    digits = identifier.rpartition("_")[2][_TIME_DIGITS:]
    if not digits or any(letter not in _LETTERS for letter in digits):
        raise ValueError(identifier)
    return int(digits.translate(_HEX_OF_LETTER), 16)


def _type_of(committed: Committed) -> str | None:
    payment = committed.payment
    if payment is not None and committed.entry.type == "payment.captured":
        return "payment.captured" if payment.rest_released else "payment.partially_captured"
    if payment is not None and committed.entry.type == "payment.reversed":
        return "payment.failed" if payment.state == "FAILED" else None
    return _TYPES.get(committed.entry.type)
