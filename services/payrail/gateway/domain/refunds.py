"""Deciding on a refund: requested by one user, decided by another, executed at the provider that captured.

As in `payments`, each function makes a decision that the journal runs under its lock. Money leaves the merchant's
account with the intent to execute and the provider's with the success; what fails is posted back.
"""

from collections.abc import Callable

from msgspec import Struct

from payrail.gateway.domain.drafts import draft_of, finished, released
from payrail.gateway.domain.errors import (
    AmountExceedsRefundable,
    DisputeOpen,
    MakerCheckerViolation,
    OperationInProgress,
    RefundNotFound,
)
from payrail.gateway.domain.idempotency import Earlier, earlier_request
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Accepted, Approved, Declined, NotProcessed, RefundAnswer, Unknown
from payrail.gateway.domain.payments import Begin, find_payment, require_returnable
from payrail.ledger import refund_events as events
from payrail.ledger.account_rules import refund_arriving, refund_leaving, refund_staying
from payrail.ledger.attempts import Pending
from payrail.ledger.entry import Claim, Draft
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened, OperationNotProcessed, OutcomeUnknown
from payrail.ledger.refund import Refund, require_refund_transition
from payrail.ledger.state import LedgerState

Continue = Callable[[LedgerState], Draft | Refund]


def request_refund(
    refund_id: str, payment_id: str, amount: int | None, reason: str, claim: Claim, origin: Origin
) -> Begin:
    """Reserve `amount` minor units, all that is refundable if none, until another user decides."""

    def decide(state: LedgerState) -> Draft | Earlier:
        payment = find_payment(state, claim.merchant_id, payment_id)
        if earlier := earlier_request(state, claim):
            return earlier
        wanted = require_returnable(payment, amount, "REFUNDED", "PARTIALLY_REFUNDED")
        data = events.RefundRequested(
            payment.merchant_id, payment.id, wanted, payment.currency, reason, payment.provider or ""
        )
        return Draft(
            "refunds", refund_id, "refund.requested", 1, data, origin.actor, origin.correlation_id, origin.at,
            idempotency=claim.finished(),
        )  # fmt: skip

    return decide


def find_refund(state: LedgerState, merchant_id: str, refund_id: str) -> Refund:
    """The merchant's refund; another merchant's is `RefundNotFound`."""
    refund = state.latest_refund(refund_id)
    if refund is None or refund.merchant_id != merchant_id:
        raise RefundNotFound
    return refund


def approve_refund(refund_id: str, claim: Claim, reserved: Reserved, origin: Origin) -> Begin:
    """Approve, and the intent to execute; or execute again what was approved and then surely not processed."""

    def decide(state: LedgerState) -> Draft | Earlier:
        refund = find_refund(state, claim.merchant_id, refund_id)
        _require_other_user(refund, origin)
        if earlier := earlier_request(state, claim):
            return earlier
        if refund.pending is not None:
            raise OperationInProgress("execution of this refund")
        payment = find_payment(state, claim.merchant_id, refund.payment_id)
        attempt = AttemptOpened(reserved.attempt_id, "refund", refund.provider, reserved.owner, refund.amount)
        intent: tuple[str, Struct] = ("refund.execution_started", events.RefundExecutionStarted(attempt))
        if refund.state != "APPROVED":
            require_refund_transition(refund.state, "APPROVED")
            intent = ("refund.approved", events.RefundApproved(attempt))
        if payment.open_disputes:
            raise DisputeOpen
        _require_covered(payment, refund)
        return draft_of(refund, *intent, origin, claim=claim, postings=refund_leaving(refund))

    return decide


def reject_refund(refund_id: str, claim: Claim, origin: Origin) -> Begin:
    """Refuse the refund; what it reserved is free again."""

    def decide(state: LedgerState) -> Draft | Earlier:
        refund = find_refund(state, claim.merchant_id, refund_id)
        _require_other_user(refund, origin)
        if earlier := earlier_request(state, claim):
            return earlier
        require_refund_transition(refund.state, "REJECTED")
        return draft_of(refund, "refund.rejected", events.RefundRejected(), origin, claim=claim.finished())

    return decide


def record_refund_outcome(refund_id: str, attempt_id: str, outcome: RefundAnswer, origin: Origin) -> Continue:
    """Write what came of an attempt, whoever brings it: answer, inquiry, webhook or resolver.

    Deduplicated by attempt and outcome: what is known already, or belongs to an attempt that is over, gives back the
    refund as it stands. A failure after the success is a late one and takes the success back. Once an attempt is
    unknown, only the provider's word closes it: that one call did not arrive says nothing of the other.
    """

    def decide(state: LedgerState) -> Draft | Refund:
        refund = state.latest_refund(refund_id)
        if refund is None:
            raise RefundNotFound
        pending = refund.pending
        if pending is not None and pending.attempt.id == attempt_id:
            return _outcome(refund, pending, outcome, origin)
        if refund.state == "SUCCEEDED" and refund.attempts[-1].id == attempt_id:
            return _late_failure(refund, outcome, origin)
        return refund

    return decide


# ---- parts of the decisions ---------------------------------------------------------------------------------------


def _require_other_user(refund: Refund, origin: Origin) -> None:
    if origin.actor.id == refund.requested_by:
        raise MakerCheckerViolation


def _require_covered(payment: Payment, refund: Refund) -> None:
    """What left the payment since the request (a dispute that the provider opened) may have taken what was reserved."""
    if payment.amount_returnable < 0:
        raise AmountExceedsRefundable(refund.amount, max(0, payment.amount_returnable + refund.amount))


def _outcome(refund: Refund, pending: Pending, outcome: RefundAnswer, origin: Origin) -> Draft | Refund:
    if isinstance(outcome, Accepted | Unknown):
        return _still_open(refund, pending, outcome, origin)
    if isinstance(outcome, NotProcessed) and (pending.unknown or pending.accepted):
        return refund
    attempt_id, answered = pending.attempt.id, finished(pending)
    if isinstance(outcome, Approved):
        succeeded = events.RefundSucceeded(attempt_id, outcome.provider_reference, outcome.latency_ms)
        return draft_of(
            refund, "refund.succeeded", succeeded, origin, claim=answered, postings=refund_arriving(refund)
        )
    back = refund_staying(refund)
    if isinstance(outcome, Declined):
        failed = events.RefundFailed(attempt_id, outcome.decline, outcome.latency_ms)
        return draft_of(refund, "refund.failed", failed, origin, claim=answered, postings=back)
    not_processed = OperationNotProcessed(attempt_id, outcome.code, outcome.latency_ms)
    return draft_of(
        refund, "refund.not_processed", not_processed, origin, claim=released(pending), postings=back
    )


def _still_open(
    refund: Refund, pending: Pending, outcome: Accepted | Unknown, origin: Origin
) -> Draft | Refund:
    if pending.accepted or (pending.unknown and isinstance(outcome, Unknown)):
        return refund
    attempt_id = pending.attempt.id
    if isinstance(outcome, Accepted):
        accepted = events.RefundAccepted(attempt_id, outcome.provider_reference, outcome.latency_ms)
        return draft_of(refund, "refund.accepted", accepted, origin)
    unknown = OutcomeUnknown(attempt_id, outcome.code, outcome.latency_ms)
    return draft_of(refund, "refund.unknown", unknown, origin)


def _late_failure(refund: Refund, outcome: RefundAnswer, origin: Origin) -> Draft | Refund:
    if not isinstance(outcome, Declined):
        return refund
    failed = events.RefundFailed(refund.attempts[-1].id, outcome.decline, outcome.latency_ms)
    return draft_of(refund, "refund.failed", failed, origin, postings=refund_staying(refund))
