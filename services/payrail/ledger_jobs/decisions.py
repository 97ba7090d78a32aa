"""What the jobs enter into the books: each function makes a decision that the journal runs under its lock.

A decision gets the caught-up state and returns the one entry to append, or none when there is nothing left to do: a
second instance, or an earlier run, was there first.
"""

from collections.abc import Callable

from msgspec import Struct

from payrail.ledger import settlement_events as events
from payrail.ledger.entry import Actor, Draft
from payrail.ledger.postings import Posting
from payrail.ledger.settlement import (
    BankBooking,
    JobRecord,
    Payout,
    Reconciliation,
    Settlement,
    bank_booking_id,
    bank_postings,
    payout_created_postings,
    payout_paid_postings,
    reconciliation_id,
    settlement_id,
    settlement_postings,
)
from payrail.ledger.state import LedgerState

Decide = Callable[[LedgerState], Draft | None]


class JobOrigin(Struct, frozen=True):
    """Who runs a job, under which correlation id, at which time (RFC 3339 UTC)."""

    actor: Actor
    correlation_id: str
    at: str


def settle(data: events.SettlementCreated, origin: JobOrigin) -> Decide:
    """Make a day's captures available to their merchant; nothing if the range was settled since it was scanned."""

    def decide(state: LedgerState) -> Draft | None:
        entity = settlement_id(data.date, data.merchant_id)
        known = state.latest_record(entity)
        if data.from_seq != (known.through_seq + 1 if isinstance(known, Settlement) else 1):
            return None
        return _draft(entity, known, "settlement.created", data, origin, settlement_postings(data))

    return decide


def create_payout(payout_id: str, merchant_id: str, currency: str, origin: JobOrigin) -> Decide:
    """Pay out all that is available; nothing where the merchant has nothing, or owes."""

    def decide(state: LedgerState) -> Draft | None:
        available = state.latest_available(merchant_id, currency)
        if available <= 0:
            return None
        data = events.PayoutCreated(merchant_id, available, currency)
        return _draft(payout_id, None, "payout.created", data, origin, payout_created_postings(data))

    return decide


def pay_payout(payout_id: str, origin: JobOrigin) -> Decide:
    """The bank pays a payout; nothing if it did before."""

    def decide(state: LedgerState) -> Draft | None:
        payout = state.latest_record(payout_id)
        if not isinstance(payout, Payout) or payout.state != "CREATED":
            return None
        return _draft(
            payout_id, payout, "payout.paid", events.PayoutPaid(), origin, payout_paid_postings(payout)
        )

    return decide


def book_bank(data: events.BankBooked, origin: JobOrigin) -> Decide:
    """Book what a provider paid; nothing if the range was booked since it was scanned."""

    def decide(state: LedgerState) -> Draft | None:
        entity = bank_booking_id(data.date, data.provider)
        known = state.latest_record(entity)
        if data.from_seq != (known.through_seq + 1 if isinstance(known, BankBooking) else 1):
            return None
        return _draft(entity, known, "bank.booked", data, origin, bank_postings(data))

    return decide


def complete_reconciliation(data: events.ReconciliationCompleted, origin: JobOrigin) -> Decide:
    """Tell a merchant what a reconciliation found; nothing if the merchant was told the same before."""

    def decide(state: LedgerState) -> Draft | None:
        entity = reconciliation_id(data.date, data.merchant_id)
        known = state.latest_record(entity)
        if isinstance(known, Reconciliation) and (known.matched, known.breaks) == (data.matched, data.breaks):
            return None
        return _draft(entity, known, "reconciliation.completed", data, origin, ())

    return decide


def _draft(
    entity: str,
    known: JobRecord | None,
    name: str,
    data: Struct,
    origin: JobOrigin,
    postings: tuple[Posting, ...],
) -> Draft:
    version = (known.version if known else 0) + 1
    return Draft(
        "payments", entity, name, version, data, origin.actor, origin.correlation_id, origin.at, postings
    )
