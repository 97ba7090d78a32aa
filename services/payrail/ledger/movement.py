"""Movements: the entries by which a provider comes to owe money, or to owe less of it.

They are what is settled, what providers list in their files, and, until the bank has it, the open items of a provider's
receivable.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from payrail.ledger import accounts
from payrail.ledger.entry import Entry
from payrail.ledger.postings import Posting, signed

Operation = Literal["capture", "refund", "refund_failed", "chargeback", "chargeback_won"]

#: The entry types that can be movements. A refund that fails before it succeeded never reached the provider's account.
OPERATIONS: dict[str, Operation] = {
    "payment.captured": "capture",
    "refund.succeeded": "refund",
    "refund.failed": "refund_failed",
    "dispute.opened": "chargeback",
    "dispute.won": "chargeback_won",
}

_RECEIVABLE = accounts.provider_receivable("")


class Change(Struct, frozen=True, gc=False):
    """By how many minor units postings change what a provider owes."""

    provider: str
    currency: str
    amount: int


def receivable_change(postings: Iterable[Posting]) -> Change | None:
    """What the postings of a movement do to the receivable of its one provider; none if they do not touch any."""
    amount, found = 0, None
    for posting in postings:
        if posting.account.startswith(_RECEIVABLE):
            amount += signed(posting)
            found = posting
    return None if found is None else Change(found.account[len(_RECEIVABLE) :], found.currency, amount)


def movement_of(entry: Entry) -> Change | None:
    """What the entry does to what its provider owes, if it is a movement."""
    return receivable_change(entry.postings) if entry.type in OPERATIONS else None
