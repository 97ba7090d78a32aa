"""What the ledger knows of a provider's row for which it has no movement: the judgement that names the break."""

from typing import Any

from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund
from payrail.ledger.state import LedgerState, Subject
from payrail.ledger_jobs.reconciliation.breaks import BreakClass
from payrail.ledger_jobs.reconciliation.three_way import Judge, Owner

_OPEN = ("pending", "unknown")


def judge_by(state: LedgerState) -> Judge:
    """A judge by what this state knows, the ledger's or a part of it.

    - The ledger knows the reference and has the same movement, on a day that is too far away: `timing`.
    - It knows it, and the operation is still open, or was never told of: `missing_in_ledger`.
    - It knows it, and something else became of it: `status_mismatch`.
    - It knows the authorization only: the provider did something that nobody told the ledger of: `missing_in_ledger`.
    - It knows neither, or knows them of another provider: `orphan`, which is nobody's.
    """

    def judge_one(row: dict[str, Any]) -> Owner:
        subject = _subject(state, row["reference"])
        if subject is not None and subject.provider == row["provider"]:
            return _owner(subject, _standing(subject, row["operation"], row["reference"]))
        payment = _subject(state, row["authorization"])
        if payment is not None and payment.provider == row["provider"]:
            return _owner(payment, "missing_in_ledger")
        return Owner("orphan")

    return lambda rows: [judge_one(row) for row in rows]


def _subject(state: LedgerState, reference: str) -> Subject | None:
    entity = state.attempts.get(reference) or state.disputes_by_reference.get(reference)
    if entity is None:
        return None
    return state.payments.get(entity) or state.refunds.get(entity) or state.disputes.get(entity)


def _owner(subject: Subject, break_class: BreakClass) -> Owner:
    payment_id = subject.id if isinstance(subject, Payment) else subject.payment_id
    return Owner(break_class, subject.merchant_id, payment_id, subject.id)


def _standing(subject: Subject, operation: str, reference: str) -> BreakClass:
    if _has_moved(subject, operation, reference):
        return "timing"
    outcomes = {attempt.id: attempt.outcome for attempt in subject.attempts}
    return "missing_in_ledger" if outcomes.get(reference) in _OPEN else "status_mismatch"


def _has_moved(subject: Subject, operation: str, reference: str) -> bool:
    """Whether the ledger has this very movement."""
    outcomes = {attempt.id: attempt.outcome for attempt in subject.attempts}
    match subject, operation:
        case Payment(), "capture":
            return outcomes.get(reference) == "approved"
        case Refund(), "refund":
            return subject.provider_reference is not None and outcomes.get(reference) not in _OPEN
        case Refund(), "refund_failed":
            return subject.state == "FAILED" and subject.provider_reference is not None
        case Dispute(), "chargeback":
            return subject.state in ("NEEDS_RESPONSE", "UNDER_REVIEW", "WON", "LOST")
        case Dispute(), "chargeback_won":
            return subject.state == "WON"
        case _:
            return False
