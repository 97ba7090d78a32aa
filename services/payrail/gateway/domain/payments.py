"""Deciding on a payment: each function makes a decision that the journal runs under its lock.

A decision gets the caught-up state and returns the one entry to append, or hands back what is known already: an
`Earlier` request with the same idempotency key, or the `Payment` as it stands when there is nothing left to do.
Outcomes are deduplicated by their attempt: whoever brings one second finds the attempt closed.
"""

from collections.abc import Callable

from payrail.gateway.domain.drafts import draft_of, finished
from payrail.gateway.domain.errors import AmountExceedsRefundable, PaymentNotFound
from payrail.gateway.domain.idempotency import Earlier, earlier_request
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved, Declined, NotProcessed, Unknown
from payrail.gateway.domain.routing import Router
from payrail.ledger import payment_events as events
from payrail.ledger.attempts import Pending
from payrail.ledger.entry import Claim, Draft
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened, Decline
from payrail.ledger.state import LedgerState
from payrail.ledger.transitions import InvalidTransition

Begin = Callable[[LedgerState], Draft | Earlier]
Continue = Callable[[LedgerState], Draft | Payment]


def create_payment(payment_id: str, data: events.PaymentCreated, claim: Claim, origin: Origin) -> Begin:
    """Make a payment in state `CREATED`. The first entry is the outcome, too: it claims and answers the key."""

    def decide(state: LedgerState) -> Draft | Earlier:
        if earlier := earlier_request(state, claim):
            return earlier
        return Draft(
            "payments", payment_id, "payment.created", 1, data, origin.actor, origin.correlation_id, origin.at,
            idempotency=claim.finished(),
        )  # fmt: skip

    return decide


def find_payment(state: LedgerState, merchant_id: str, payment_id: str) -> Payment:
    """The merchant's payment; another merchant's is `PaymentNotFound`."""
    payment = state.latest_payment(payment_id)
    if payment is None or payment.merchant_id != merchant_id:
        raise PaymentNotFound
    return payment


def require_returnable(payment: Payment, amount: int | None, whole: str, part: str) -> int:
    """`amount` minor units, all that can be refunded if none, as far as the payment has it.

    Raises `InvalidTransition` (to `whole` or `part`) where nothing is captured, `AmountExceedsRefundable` where it is
    more than is left.
    """
    if payment.amount_captured == 0:
        raise InvalidTransition(payment.state, whole if amount is None or amount >= payment.amount else part)
    wanted = payment.amount_refundable if amount is None else amount
    if wanted == 0 or wanted > payment.amount_refundable:
        raise AmountExceedsRefundable(amount, payment.amount_refundable)
    return wanted


def require_not_begun(payment: Payment) -> None:
    """Raise `InvalidTransition` unless the payment may be authorized: that begins once.

    A reversal under way leads to `AUTHORIZING` as well, but only by its own outcome, never by another request.
    """
    if payment.state != "CREATED":
        raise InvalidTransition(payment.state, "AUTHORIZING")


def begin_authorization(
    payment_id: str, claim: Claim, reserved: Reserved, origin: Origin, *, router: Router
) -> Begin:
    """The intent to ask the first provider of the routing decision for a hold. Raises `NoProvider`."""

    def decide(state: LedgerState) -> Draft | Earlier:
        payment = find_payment(state, claim.merchant_id, payment_id)
        if earlier := earlier_request(state, claim):
            return earlier
        require_not_begun(payment)
        routing = router.route_payment(payment)
        attempt = _authorization_of(payment, routing.candidates[0].provider, reserved)
        data = events.AuthorizationStarted(attempt, routing)
        return draft_of(payment, "payment.authorization_started", data, origin, claim=claim)

    return decide


def record_authorization(
    payment_id: str,
    attempt_id: str,
    answer: Approved | Declined | NotProcessed | Unknown,
    reserved: Reserved | None,
    origin: Origin,
    *,
    expires_at: str,
    go_on: bool,
) -> Continue:
    """Write what came of the open authorization attempt. Once it is unknown, only the provider's word closes it:
    that one call did not arrive says nothing of the other.

    `reserved` is for the attempt that may follow in the same entry: the capture of an automatic payment, or, with
    `go_on`, the next provider after a retryable decline or a call that was surely not processed. Without it none does.
    """

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        pending = payment.pending
        if pending is None or pending.attempt.id != attempt_id or pending.reversal is not None:
            return payment
        match answer:
            case Approved():
                return _approved(payment, pending, answer, reserved, origin, expires_at)
            case Unknown():
                return outcome_unknown(payment, pending, answer, origin)
            case NotProcessed() if pending.unknown:
                return payment
            case Declined() | NotProcessed():
                return _not_approved(payment, pending, answer, reserved, origin, go_on=go_on)

    return decide


def start_reversal(payment_id: str, attempt_id: str, reserved: Reserved, origin: Origin) -> Continue:
    """The intent to reverse an authorization that its provider does not know."""

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        pending = payment.pending
        if pending is None or pending.attempt.id != attempt_id or payment.state != "UNKNOWN":
            return payment
        started = events.ReversalStarted(attempt_id, _reversal_of(pending.attempt, reserved))
        return draft_of(payment, "payment.reversal_started", started, origin)

    return decide


def renew_reversal(
    payment_id: str, reversal_id: str, refused: Decline, reserved: Reserved, origin: Origin
) -> Continue:
    """The intent to send another reversal, because the provider `refused` the one with this id and keeps to it."""

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        pending = payment.pending
        if pending is None or pending.reversal is None or pending.reversal.id != reversal_id:
            return payment
        attempt = pending.attempt
        renewed = events.ReversalStarted(attempt.id, _reversal_of(attempt, reserved), refused)
        return draft_of(payment, "payment.reversal_started", renewed, origin)

    return decide


def record_reversal(
    payment_id: str,
    reversal_id: str,
    latency_ms: int | None,
    reserved: Reserved,
    origin: Origin,
    *,
    go_on: bool,
) -> Continue:
    """The provider acknowledged the reversal: on to the next provider with `go_on`, else the payment failed."""

    def decide(state: LedgerState) -> Draft | Payment:
        payment = latest_payment(state, payment_id)
        pending = payment.pending
        if pending is None or pending.reversal is None or pending.reversal.id != reversal_id:
            return payment
        following = _next_authorization(payment, reserved) if go_on else None
        data = events.AuthorizationReversed(pending.attempt.id, reversal_id, latency_ms, following)
        claim = None if following else finished(pending)
        return draft_of(payment, "payment.reversed", data, origin, claim=claim)

    return decide


# ---- parts of the decisions ---------------------------------------------------------------------------------------


def latest_payment(state: LedgerState, payment_id: str) -> Payment:
    payment = state.latest_payment(payment_id)
    if payment is None:
        raise PaymentNotFound
    return payment


def provider_of(payment: Payment) -> str:
    if payment.provider is None:
        raise InvalidTransition(payment.state, "an operation at a provider")
    return payment.provider


def _authorization_of(payment: Payment, provider: str, reserved: Reserved) -> AttemptOpened:
    return AttemptOpened(reserved.attempt_id, "authorize", provider, reserved.owner, payment.amount)


def _reversal_of(attempt: AttemptOpened, reserved: Reserved) -> AttemptOpened:
    return AttemptOpened(reserved.attempt_id, "reversal", attempt.provider, reserved.owner, attempt.amount)


def capture_of(payment: Payment, amount: int, reserved: Reserved, *, final: bool) -> AttemptOpened:
    return AttemptOpened(
        reserved.attempt_id, "capture", provider_of(payment), reserved.owner, amount, final=final
    )


def _next_authorization(payment: Payment, reserved: Reserved) -> AttemptOpened | None:
    untried = payment.untried_candidates
    return _authorization_of(payment, untried[0], reserved) if untried else None


def _approved(
    payment: Payment,
    pending: Pending,
    answer: Approved,
    reserved: Reserved | None,
    origin: Origin,
    expires_at: str,
) -> Draft:
    capture = None
    if payment.capture_method == "automatic" and reserved:
        capture = capture_of(payment, payment.amount, reserved, final=True)
    data = events.AuthorizationApproved(
        pending.attempt.id, answer.provider_reference, expires_at, answer.latency_ms, capture
    )
    claim = pending.claim if capture else finished(pending)
    return draft_of(payment, "payment.authorized", data, origin, claim=claim)


def outcome_unknown(payment: Payment, pending: Pending, answer: Unknown, origin: Origin) -> Draft | Payment:
    if pending.unknown:
        return payment
    operation = "authorization" if pending.attempt.operation == "authorize" else pending.attempt.operation
    data = events.OutcomeUnknown(pending.attempt.id, answer.code, answer.latency_ms)
    return draft_of(payment, f"payment.{operation}_unknown", data, origin)


def _not_approved(
    payment: Payment,
    pending: Pending,
    answer: Declined | NotProcessed,
    reserved: Reserved | None,
    origin: Origin,
    *,
    go_on: bool,
) -> Draft:
    attempt_id, latency_ms = pending.attempt.id, answer.latency_ms
    may_go_on = go_on and (isinstance(answer, NotProcessed) or answer.retryable)
    if may_go_on and reserved and (following := _next_authorization(payment, reserved)):
        rerouted = (
            events.AuthorizationRerouted(
                attempt_id, "declined", following, decline=answer.decline, latency_ms=latency_ms
            )
            if isinstance(answer, Declined)
            else events.AuthorizationRerouted(
                attempt_id, "not_processed", following, code=answer.code, latency_ms=latency_ms
            )
        )
        return draft_of(payment, "payment.authorization_rerouted", rerouted, origin)
    if isinstance(answer, Declined):
        declined = events.AuthorizationDeclined(attempt_id, answer.decline, latency_ms)
        return draft_of(payment, "payment.declined", declined, origin, claim=finished(pending))
    failed = events.AuthorizationFailed(attempt_id, answer.code, latency_ms)
    return draft_of(payment, "payment.failed", failed, origin, claim=finished(pending))
