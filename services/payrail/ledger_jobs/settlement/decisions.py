"""What settling enters into the books: each function makes a decision that the journal runs under its lock."""

from payrail.ledger import settlement_events as events
from payrail.ledger.entry import Draft
from payrail.ledger.settlement import (
    BankBooking,
    Payout,
    Settlement,
    bank_booking_id,
    bank_postings,
    payout_created_postings,
    payout_paid_postings,
    settlement_id,
    settlement_postings,
)
from payrail.ledger.state import LedgerState
from payrail.ledger_jobs.books.entering import Decide, JobOrigin, draft


def settle(data: events.SettlementCreated, origin: JobOrigin) -> Decide:
    """Make a day's captures available to their merchant; nothing if the range was settled since it was scanned."""

    def decide(state: LedgerState) -> Draft | None:
        entity = settlement_id(data.date, data.merchant_id)
        known = state.latest_record(entity)
        if data.from_seq != (known.through_seq + 1 if isinstance(known, Settlement) else 1):
            return None
        return draft(entity, known, "settlement.created", data, origin, settlement_postings(data))

    return decide


def create_payout(payout_id: str, merchant_id: str, currency: str, origin: JobOrigin) -> Decide:
    """Pay out all that is available; nothing where the merchant has nothing, or owes."""

    def decide(state: LedgerState) -> Draft | None:
        available = state.latest_available(merchant_id, currency)
        if available <= 0:
            return None
        data = events.PayoutCreated(merchant_id, available, currency)
        return draft(payout_id, None, "payout.created", data, origin, payout_created_postings(data))

    return decide


def pay_payout(payout_id: str, origin: JobOrigin) -> Decide:
    """The bank pays a payout; nothing if it did before."""

    def decide(state: LedgerState) -> Draft | None:
        payout = state.latest_record(payout_id)
        if not isinstance(payout, Payout) or payout.state != "CREATED":
            return None
        return draft(
            payout_id, payout, "payout.paid", events.PayoutPaid(), origin, payout_paid_postings(payout)
        )

    return decide


def book_bank(data: events.BankBooked, before: BankBooking | None, origin: JobOrigin) -> Decide:
    """Book what a provider paid, beyond what was booked `before`; nothing if more of the day was booked since.

    The range alone would not tell: an entry that books what a file corrected may cover no movement.
    """

    def decide(state: LedgerState) -> Draft | None:
        entity = bank_booking_id(data.date, data.provider)
        known = state.latest_record(entity)
        if known != before:
            return None
        return draft(entity, known, "bank.booked", data, origin, bank_postings(data))

    return decide
