"""Deciding on a dispute: opened by the merchant's people or by the provider, answered once, won or lost.

Everything goes through the provider, and only what it confirms is booked: money and fees leave with the opening, a win
brings the money back. As in `payments`, each function makes a decision that the journal runs under its lock.
"""

from collections.abc import Callable

from msgspec import Struct

from payrail.gateway.domain.drafts import draft_of, finished, released
from payrail.gateway.domain.errors import (
    DeadlinePassed,
    DisputeNotFound,
    OperationInProgress,
    PaymentNotFound,
)
from payrail.gateway.domain.idempotency import Earlier, earlier_request
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotProcessed, Unknown
from payrail.gateway.domain.payments import Begin, find_payment, require_returnable
from payrail.gateway.domain.pricing import dispute_fee
from payrail.ledger import dispute_events as events
from payrail.ledger.account_rules import chargeback, opening_postings
from payrail.ledger.attempts import Pending
from payrail.ledger.dispute import Dispute, require_dispute_transition
from payrail.ledger.dispute_events import DisputeOutcome
from payrail.ledger.entry import Claim, Draft
from payrail.ledger.payment_events import (
    AttemptOpened,
    AttemptOperation,
    OperationDeclined,
    OperationNotProcessed,
    OutcomeUnknown,
)
from payrail.ledger.postings import reversed_postings
from payrail.ledger.state import LedgerState

Continue = Callable[[LedgerState], Draft | Dispute]


class ProviderDispute(Struct, frozen=True):
    """A dispute that a provider opened by itself. `reference` names it there; amounts are minor units."""

    payment_id: str
    reference: str
    provider_reference: str
    amount: int
    reason: str
    provider_fee: int


def open_dispute(
    dispute_id: str,
    payment_id: str,
    amount: int | None,
    reason: str,
    claim: Claim,
    reserved: Reserved,
    origin: Origin,
) -> Begin:
    """The intent to open a dispute on `amount` minor units, all that is refundable if none."""

    def decide(state: LedgerState) -> Draft | Earlier:
        payment = find_payment(state, claim.merchant_id, payment_id)
        if earlier := earlier_request(state, claim):
            return earlier
        wanted = require_returnable(payment, amount, "DISPUTED", "DISPUTED")
        provider = payment.provider or ""
        terms = events.DisputeTerms(
            payment.merchant_id, payment.id, wanted, payment.currency, reason, provider, reserved.attempt_id
        )
        attempt = AttemptOpened(reserved.attempt_id, "dispute", provider, reserved.owner, wanted)
        return Draft(
            "disputes", dispute_id, "dispute.opening_started", 1, events.DisputeOpeningStarted(terms, attempt),
            origin.actor, origin.correlation_id, origin.at, idempotency=claim,
        )  # fmt: skip

    return decide


def open_provider_dispute(
    dispute_id: str, notice: ProviderDispute, origin: Origin, *, respond_by: str
) -> Continue:
    """Book a dispute that the provider opened, whatever is left of the payment; one that is known stays as it is.

    A notice of a dispute that PayRail asked for is the outcome of that request. Raises `PaymentNotFound`.
    """

    def decide(state: LedgerState) -> Draft | Dispute:
        known = state.latest_dispute_of(notice.reference)
        if known is not None:
            approved = Approved(notice.provider_reference, notice.provider_fee)
            return record_dispute_outcome(
                known.id, notice.reference, approved, origin, respond_by=respond_by
            )(state)
        payment = state.latest_payment(notice.payment_id)
        if payment is None or payment.provider is None:
            raise PaymentNotFound
        terms = events.DisputeTerms(
            payment.merchant_id, payment.id, notice.amount, payment.currency, notice.reason, payment.provider,
            notice.reference,
        )  # fmt: skip
        fee = dispute_fee(payment.currency)
        data = events.DisputeOpened(
            notice.provider_reference, fee, notice.provider_fee, respond_by, terms=terms
        )
        return Draft(
            "disputes", dispute_id, "dispute.opened", 1, data, origin.actor, origin.correlation_id, origin.at,
            opening_postings(terms, fee, notice.provider_fee),
        )  # fmt: skip

    return decide


def find_dispute(state: LedgerState, merchant_id: str, dispute_id: str) -> Dispute:
    """The merchant's dispute; another merchant's is `DisputeNotFound`."""
    dispute = state.latest_dispute(dispute_id)
    if dispute is None or dispute.merchant_id != merchant_id:
        raise DisputeNotFound
    return dispute


def submit_evidence(
    dispute_id: str, kind: str, text: str, claim: Claim, reserved: Reserved, origin: Origin
) -> Begin:
    """The intent to submit evidence, as long as the deadline has not passed."""

    def decide(state: LedgerState) -> Draft | Earlier:
        dispute = find_dispute(state, claim.merchant_id, dispute_id)
        if earlier := earlier_request(state, claim):
            return earlier
        require_dispute_transition(dispute.state, "UNDER_REVIEW")
        if is_overdue(dispute, origin.at):
            raise DeadlinePassed(dispute.respond_by or "")
        _require_idle(dispute)
        data = events.EvidenceStarted(_attempt(dispute, "evidence", reserved), kind, text)
        return draft_of(dispute, "dispute.evidence_started", data, origin, claim=claim)

    return decide


def resolve_dispute(
    dispute_id: str, outcome: DisputeOutcome, claim: Claim, reserved: Reserved, origin: Origin
) -> Begin:
    """The intent to end the dispute."""

    def decide(state: LedgerState) -> Draft | Earlier:
        dispute = find_dispute(state, claim.merchant_id, dispute_id)
        if earlier := earlier_request(state, claim):
            return earlier
        _require_idle(dispute)
        require_dispute_transition(dispute.state, outcome)
        return _resolution(dispute, outcome, reserved, origin, claim)

    return decide


def is_overdue(dispute: Dispute, at: str) -> bool:
    """Whether the dispute waits for a response that can no longer come in time."""
    return dispute.state == "NEEDS_RESPONSE" and dispute.respond_by is not None and at >= dispute.respond_by


def give_up_overdue(dispute_id: str, reserved: Reserved, origin: Origin) -> Continue:
    """The intent to lose a dispute that nobody answered in time; nothing to do for any other."""

    def decide(state: LedgerState) -> Draft | Dispute:
        dispute = _dispute(state, dispute_id)
        if dispute.pending is not None or not is_overdue(dispute, origin.at):
            return dispute
        return _resolution(dispute, "LOST", reserved, origin, None)

    return decide


def record_dispute_outcome(
    dispute_id: str, attempt_id: str, outcome: Answer, origin: Origin, *, respond_by: str
) -> Continue:
    """Write what came of the open attempt, whoever brings it; an attempt that is over changes nothing.

    Once it is unknown, only the provider's word closes it.
    """

    def decide(state: LedgerState) -> Draft | Dispute:
        dispute = _dispute(state, dispute_id)
        pending = dispute.pending
        if pending is None or pending.attempt.id != attempt_id:
            return dispute
        if isinstance(outcome, Approved):
            return _approved(dispute, pending, outcome, origin, respond_by)
        if pending.unknown and not isinstance(outcome, Declined):
            return dispute
        return _not_approved(dispute, pending, outcome, origin)

    return decide


# ---- parts of the decisions ---------------------------------------------------------------------------------------


def _dispute(state: LedgerState, dispute_id: str) -> Dispute:
    dispute = state.latest_dispute(dispute_id)
    if dispute is None:
        raise DisputeNotFound
    return dispute


def _require_idle(dispute: Dispute) -> None:
    if dispute.pending is not None:
        raise OperationInProgress(f"{dispute.pending.attempt.operation} of this dispute")


def _attempt(dispute: Dispute, operation: AttemptOperation, reserved: Reserved) -> AttemptOpened:
    return AttemptOpened(reserved.attempt_id, operation, dispute.provider, reserved.owner, dispute.amount)


def _resolution(
    dispute: Dispute, outcome: DisputeOutcome, reserved: Reserved, origin: Origin, claim: Claim | None
) -> Draft:
    data = events.ResolutionStarted(_attempt(dispute, "resolution", reserved), outcome)
    return draft_of(dispute, "dispute.resolution_started", data, origin, claim=claim)


def _approved(dispute: Dispute, pending: Pending, answer: Approved, origin: Origin, respond_by: str) -> Draft:
    attempt_id, latency_ms, claim = pending.attempt.id, answer.latency_ms, finished(pending)
    if pending.attempt.operation == "evidence":
        submitted = events.EvidenceSubmitted(attempt_id, latency_ms)
        return draft_of(dispute, "dispute.evidence_submitted", submitted, origin, claim=claim)
    if pending.attempt.operation == "resolution":
        if dispute.resolving == "LOST":
            lost = events.DisputeLost(attempt_id, latency_ms)
            return draft_of(dispute, "dispute.lost", lost, origin, claim=claim)
        back = reversed_postings(chargeback(dispute))
        won = events.DisputeWon(attempt_id, latency_ms)
        return draft_of(dispute, "dispute.won", won, origin, claim=claim, postings=back)
    fee = dispute_fee(dispute.currency)
    opened = events.DisputeOpened(
        answer.provider_reference, fee, answer.provider_fee, respond_by, attempt_id, latency_ms=latency_ms
    )
    postings = opening_postings(dispute, fee, answer.provider_fee)
    return draft_of(dispute, "dispute.opened", opened, origin, claim=claim, postings=postings)


def _not_approved(
    dispute: Dispute, pending: Pending, outcome: Declined | NotProcessed | Unknown, origin: Origin
) -> Draft:
    attempt_id = pending.attempt.id
    match outcome:
        case Declined():
            declined = OperationDeclined(attempt_id, outcome.decline, outcome.latency_ms)
            return draft_of(dispute, "dispute.declined", declined, origin, claim=finished(pending))
        case NotProcessed():
            data = OperationNotProcessed(attempt_id, outcome.code, outcome.latency_ms)
            return draft_of(dispute, "dispute.not_processed", data, origin, claim=released(pending))
        case Unknown():
            unknown = OutcomeUnknown(attempt_id, outcome.code, outcome.latency_ms)
            return draft_of(dispute, "dispute.unknown", unknown, origin)
