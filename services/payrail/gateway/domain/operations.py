"""Deciding on what happens to a hold: captures, voids, and its expiry. Each decision runs under the journal's lock.

What was begun is open until the provider says what became of it, and nothing else may begin meanwhile.
"""

from payrail.gateway.domain.drafts import draft_of, finished, released
from payrail.gateway.domain.errors import AmountExceedsAuthorized, OperationInProgress
from payrail.gateway.domain.idempotency import Earlier, earlier_request
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved, Declined, NotProcessed, Unknown
from payrail.gateway.domain.payments import (
    Begin,
    Continue,
    capture_of,
    find_payment,
    latest_payment,
    outcome_unknown,
    provider_of,
)
from payrail.gateway.domain.pricing import DEFAULT_PLAN, PricePlan
from payrail.ledger import payment_events as events
from payrail.ledger.account_rules import capture_postings
from payrail.ledger.attempts import Pending
from payrail.ledger.entry import Claim, Draft
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened
from payrail.ledger.state import LedgerState
from payrail.ledger.transitions import InvalidTransition


def begin_capture(
    payment_id: str, amount: int | None, claim: Claim, reserved: Reserved, origin: Origin, *, final: bool
) -> Begin:
    """The intent to capture `amount` minor units (all that is left if none); `final` releases the rest."""

    def decide(state: LedgerState) -> Draft | Earlier:
        payment = find_payment(state, claim.merchant_id, payment_id)
        if earlier := earlier_request(state, claim):
            return earlier
        capturable = _require_capturable(payment, "CAPTURED", origin.at)
        wanted = capturable if amount is None else amount
        if wanted > capturable:
            raise AmountExceedsAuthorized(wanted, capturable)
        attempt = capture_of(payment, wanted, reserved, final=final or wanted == capturable)
        return draft_of(
            payment, "payment.capture_started", events.OperationStarted(attempt), origin, claim=claim
        )

    return decide


def begin_cancel(payment_id: str, claim: Claim, reserved: Reserved, origin: Origin) -> Begin:
    """Cancel at once what was never authorized; else the intent to void what is left of the hold."""

    def decide(state: LedgerState) -> Draft | Earlier:
        payment = find_payment(state, claim.merchant_id, payment_id)
        if earlier := earlier_request(state, claim):
            return earlier
        if payment.state == "CREATED":
            return draft_of(payment, "payment.canceled", events.Canceled(), origin, claim=claim.finished())
        capturable = _require_capturable(payment, "CANCELED", origin.at)
        attempt = AttemptOpened(reserved.attempt_id, "void", provider_of(payment), reserved.owner, capturable)
        return draft_of(
            payment, "payment.void_started", events.OperationStarted(attempt), origin, claim=claim
        )

    return decide


def has_expired(payment: Payment, at: str) -> bool:
    """Whether money is held that can no longer be captured: its provider is to release it."""
    return payment.amount_capturable > 0 and payment.expires_at is not None and at >= payment.expires_at


def begin_expiry(payment_id: str, reserved: Reserved, origin: Origin) -> Continue:
    """The intent to release a hold whose time is over; nothing to do for any other, or while another step runs."""

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        if payment.pending is not None or not has_expired(payment, origin.at):
            return payment
        attempt = AttemptOpened(
            reserved.attempt_id, "expiry", provider_of(payment), reserved.owner, payment.amount_capturable
        )
        return draft_of(payment, "payment.expiry_started", events.OperationStarted(attempt), origin)

    return decide


def begin_late_reversal(
    payment_id: str, authorization_id: str, reserved: Reserved, origin: Origin
) -> Continue:
    """The intent to take back an authorization that was approved after its reversal; nothing to do if that was done.

    Raises `OperationInProgress` while another step runs.
    """

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        approved_late = payment.reversed_authorization(authorization_id)
        if approved_late is None or _is_taken_back(payment, approved_late.provider):
            return payment
        if payment.pending is not None:
            raise OperationInProgress(payment.pending.attempt.operation)
        attempt = AttemptOpened(
            reserved.attempt_id, "late_reversal", approved_late.provider, reserved.owner, payment.amount
        )
        data = events.LateReversalStarted(attempt, authorization_id)
        return draft_of(payment, "payment.late_reversal_started", data, origin)

    return decide


def record_operation(
    payment_id: str,
    attempt_id: str,
    answer: Approved | Declined | NotProcessed | Unknown,
    origin: Origin,
    plan: PricePlan = DEFAULT_PLAN,
) -> Continue:
    """Write what came of the open capture, void or expiry. Once it is unknown, only the provider's word closes it.

    A capture's fee is what the merchant's `plan` says.
    """

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        pending = payment.pending
        if pending is None or pending.attempt.id != attempt_id:
            return payment
        match answer:
            case Approved():
                return _operation_approved(payment, pending, answer, origin, plan)
            case Unknown():
                return outcome_unknown(payment, pending, answer, origin)
            case Declined():
                declined = events.OperationDeclined(attempt_id, answer.decline, answer.latency_ms)
                name = f"payment.{pending.attempt.operation}_declined"
                return draft_of(payment, name, declined, origin, claim=finished(pending))
            case NotProcessed() if pending.unknown:
                return payment
            case NotProcessed():
                not_processed = events.OperationNotProcessed(attempt_id, answer.code, answer.latency_ms)
                name = f"payment.{pending.attempt.operation}_not_processed"
                return draft_of(payment, name, not_processed, origin, claim=_given_back(pending))

    return decide


# ---- parts of the decisions ---------------------------------------------------------------------------------------


def _is_taken_back(payment: Payment, provider: str) -> bool:
    """A provider is asked for an authorization at most once, so that there is one at most to take back."""
    return any(
        attempt.operation == "late_reversal"
        and attempt.provider == provider
        and attempt.outcome == "approved"
        for attempt in payment.attempts
    )


def _given_back(pending: Pending) -> Claim | None:
    """The key of a capture or void that did not happen; an automatic capture's key answers the authorization."""
    automatic = pending.claim is not None and pending.claim.operation.endswith("/authorize")
    return finished(pending) if automatic else released(pending)


def _require_capturable(payment: Payment, target: str, at: str) -> int:
    if payment.pending is not None and payment.pending.attempt.operation in ("capture", "void", "expiry"):
        raise OperationInProgress(payment.pending.attempt.operation)
    if has_expired(payment, at):
        # The hold is gone at the provider; that it is not written yet changes nothing.
        raise InvalidTransition("EXPIRED", target)
    if payment.amount_capturable == 0:
        raise InvalidTransition(payment.state, target)
    return payment.amount_capturable


def _operation_approved(
    payment: Payment, pending: Pending, answer: Approved, origin: Origin, plan: PricePlan
) -> Draft:
    attempt = pending.attempt
    if attempt.operation == "late_reversal":
        voided = events.LateApprovalVoided(attempt.id, answer.provider_reference, answer.latency_ms)
        return draft_of(payment, "payment.late_approval_voided", voided, origin)
    if attempt.operation == "expiry":
        expired = events.Expired(attempt.id, answer.provider_reference, answer.latency_ms)
        return draft_of(payment, "payment.expired", expired, origin)
    if attempt.operation == "void":
        canceled = events.Canceled(attempt.id, answer.provider_reference, answer.latency_ms)
        return draft_of(payment, "payment.canceled", canceled, origin, claim=finished(pending))
    merchant_fee, parts = plan.fee(attempt.amount, payment.currency, payment.payment_method.brand)
    captured = events.Captured(
        attempt.id, attempt.amount, answer.provider_reference, merchant_fee, answer.provider_fee,
        attempt.final, answer.latency_ms, parts,
    )  # fmt: skip
    postings = capture_postings(
        payment.merchant_id, attempt.provider, attempt.amount, payment.currency,
        merchant_fee=merchant_fee, provider_fee=answer.provider_fee,
    )  # fmt: skip
    return draft_of(payment, "payment.captured", captured, origin, claim=finished(pending), postings=postings)
