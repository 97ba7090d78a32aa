"""The fold of a payment: what its entries, in order, make of it.

`evolve` is the only code that changes a payment's state, for the gateway while it runs, for a restart and for
`payrail verify`; every change passes `PAYMENT_TRANSITIONS`.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from payrail.ledger import payment_events as events
from payrail.ledger.attempts import Attempt, AttemptOutcome, NoOpenAttempt, Pending, close, owned_by
from payrail.ledger.entry import Claim, Entry
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened
from payrail.ledger.payment_states import State, require_transition
from payrail.ledger.transitions import InvalidTransition


def evolve(payment: Payment | None, entry: Entry) -> Payment:
    """The payment after `entry`. Raises `InvalidTransition` or `NoOpenAttempt` where the entry may not follow."""
    if payment is None:
        return _created(entry)
    if entry.type not in _EVOLVE:
        raise InvalidTransition(payment.state, entry.type)
    _require_open_attempt(payment, entry)
    changed = _EVOLVE[entry.type](payment, entry.data, entry)
    return touched(changed, entry, version=entry.version)


def touched(changed: Payment, entry: Entry, *, version: int | None = None) -> Payment:
    """The payment with the state that its refunds give it, as of `entry`, whichever book that one is in; `version` is
    the entry's if it is one of the payment's own.

    The states before the first refund say how much is captured, so that they come back when a refund fails late.
    """
    rest_released = changed.rest_released or changed.state == "CAPTURED"
    return replace(
        changed,
        state=_with_refunds(changed, rest_released=rest_released),
        rest_released=rest_released,
        updated_at=entry.at,
        revision=changed.revision + 1,
        seq=entry.seq,
        version=changed.version if version is None else version,
    )


def _with_refunds(payment: Payment, *, rest_released: bool) -> State:
    if payment.amount_refunded:
        return "REFUNDED" if payment.amount_refunded >= payment.amount_captured else "PARTIALLY_REFUNDED"
    if payment.state in ("PARTIALLY_REFUNDED", "REFUNDED"):
        complete = rest_released or payment.amount_captured == payment.amount_authorized
        return "CAPTURED" if complete else "PARTIALLY_CAPTURED"
    return payment.state


def _created(entry: Entry) -> Payment:
    if entry.type != "payment.created":
        raise InvalidTransition("none", entry.type)
    data: events.PaymentCreated = entry.data
    return Payment(
        id=entry.entity,
        merchant_id=data.merchant_id,
        state="CREATED",
        amount=data.amount,
        currency=data.currency,
        capture_method=data.capture_method,
        country=data.country,
        payment_method=data.payment_method,
        merchant_reference=data.merchant_reference,
        description=data.description,
        metadata=data.metadata,
        customer_id=data.customer_id,
        created_at=entry.at,
        updated_at=entry.at,
        version=entry.version,
        seq=entry.seq,
    )


def _require_open_attempt(payment: Payment, entry: Entry) -> None:
    """An outcome, an unknown one too, is one of the attempt that is open; a reversal's is one of that reversal."""
    attempt_id = getattr(entry.data, "attempt_id", None)
    if attempt_id is None:
        return
    pending = payment.pending
    if pending is None or pending.attempt.id != attempt_id:
        raise NoOpenAttempt(attempt_id)
    if pending.attempt.operation != _OUTCOME_OF.get(entry.type, pending.attempt.operation):
        raise NoOpenAttempt(attempt_id)
    reversal_id = getattr(entry.data, "reversal_id", None)
    if reversal_id is not None and (pending.reversal is None or pending.reversal.id != reversal_id):
        raise NoOpenAttempt(reversal_id)


#: What each outcome of an operation at a provider is the outcome of; a take-over may be of any.
_OUTCOME_OF = {
    "payment.authorization_rerouted": "authorize",
    "payment.authorized": "authorize",
    "payment.declined": "authorize",
    "payment.failed": "authorize",
    "payment.authorization_unknown": "authorize",
    "payment.reversal_started": "authorize",
    "payment.reversed": "authorize",
    "payment.captured": "capture",
    "payment.capture_unknown": "capture",
    "payment.capture_declined": "capture",
    "payment.capture_not_processed": "capture",
    "payment.canceled": "void",
    "payment.void_unknown": "void",
    "payment.void_declined": "void",
    "payment.void_not_processed": "void",
    "payment.expired": "expiry",
    "payment.expiry_unknown": "expiry",
    "payment.expiry_declined": "expiry",
    "payment.expiry_not_processed": "expiry",
    "payment.late_approval_voided": "late_reversal",
    "payment.late_reversal_unknown": "late_reversal",
    "payment.late_reversal_declined": "late_reversal",
    "payment.late_reversal_not_processed": "late_reversal",
}


def _open(payment: Payment, opened: AttemptOpened, claim: Claim | None, at: str) -> dict[str, Any]:
    attempt = Attempt(opened.id, opened.operation, opened.provider, "pending", at)
    return {"attempts": (*payment.attempts, attempt), "pending": Pending(opened, claim)}


def _close(
    payment: Payment, attempt_id: str, outcome: AttemptOutcome, code: str | None, latency_ms: int | None
) -> tuple[Attempt, ...]:
    return close(payment.attempts, attempt_id, outcome, code, latency_ms)


def _authorization_started(payment: Payment, data: events.AuthorizationStarted, entry: Entry) -> Payment:
    if payment.pending is not None:
        raise InvalidTransition(payment.state, "AUTHORIZING")
    return replace(
        payment,
        state=require_transition(payment.state, "AUTHORIZING"),
        provider=data.attempt.provider,
        candidates=tuple(c.provider for c in data.routing.candidates),
        **_open(payment, data.attempt, entry.idempotency, entry.at),
    )


def _authorization_rerouted(payment: Payment, data: events.AuthorizationRerouted, entry: Entry) -> Payment:
    """`AUTHORIZING` stays `AUTHORIZING`; from `UNKNOWN` the inquiry's decline leads on by the same road."""
    may_hold_money = payment.state == "UNKNOWN" and data.outcome != "declined"
    if payment.state not in ("AUTHORIZING", "UNKNOWN") or may_hold_money:
        raise InvalidTransition(payment.state, "AUTHORIZING")
    code = data.decline.code if data.decline else data.code
    closed = replace(payment, attempts=_close(payment, data.attempt_id, data.outcome, code, data.latency_ms))
    return _next_provider(closed, data.next, entry)


def _next_provider(closed: Payment, opened: AttemptOpened, entry: Entry) -> Payment:
    claim = closed.pending.claim if closed.pending else None
    return replace(
        closed, state="AUTHORIZING", provider=opened.provider, **_open(closed, opened, claim, entry.at)
    )


def _authorized(payment: Payment, data: events.AuthorizationApproved, entry: Entry) -> Payment:
    authorized = replace(
        payment,
        state=require_transition(payment.state, "AUTHORIZED"),
        amount_authorized=payment.amount,
        provider_reference=data.provider_reference,
        authorization_id=data.attempt_id,
        decline=None,
        expires_at=data.expires_at,
        attempts=_close(payment, data.attempt_id, "approved", None, data.latency_ms),
        pending=None,
    )
    if data.next is None:
        return authorized
    return replace(authorized, **_open(authorized, data.next, entry.idempotency, entry.at))


def _declined(payment: Payment, data: events.AuthorizationDeclined, _entry: Entry) -> Payment:
    return replace(
        payment,
        state=require_transition(payment.state, "DECLINED"),
        decline=data.decline,
        attempts=_close(payment, data.attempt_id, "declined", data.decline.code, data.latency_ms),
        pending=None,
    )


def _failed(payment: Payment, data: events.AuthorizationFailed, _entry: Entry) -> Payment:
    return replace(
        payment,
        state=require_transition(payment.state, "FAILED"),
        attempts=_close(payment, data.attempt_id, "not_processed", data.code, data.latency_ms),
        pending=None,
    )


def _pending(payment: Payment) -> Pending:
    if payment.pending is None:
        raise InvalidTransition(payment.state, "an outcome without an open attempt")
    return payment.pending


def _authorization_unknown(payment: Payment, data: events.OutcomeUnknown, entry: Entry) -> Payment:
    return replace(
        _operation_unknown(payment, data, entry), state=require_transition(payment.state, "UNKNOWN")
    )


def _operation_unknown(payment: Payment, data: events.OutcomeUnknown, _entry: Entry) -> Payment:
    return replace(
        payment,
        attempts=_close(payment, data.attempt_id, "unknown", data.code, data.latency_ms),
        pending=replace(_pending(payment), unknown=True),
    )


def _reversal_started(payment: Payment, data: events.ReversalStarted, entry: Entry) -> Payment:
    reversal = Attempt(data.reversal.id, "reversal", data.reversal.provider, "pending", entry.at)
    pending, attempts = _pending(payment), payment.attempts
    if pending.reversal is None or data.refused is None:
        state = require_transition(payment.state, "REVERSING")
    else:
        state = payment.state
        attempts = _close(payment, pending.reversal.id, "declined", data.refused.code, None)
    return replace(
        payment,
        state=state,
        attempts=(*attempts, reversal),
        pending=replace(pending, reversal=data.reversal),
    )


def _reversed(payment: Payment, data: events.AuthorizationReversed, entry: Entry) -> Payment:
    attempts = _close(payment, data.attempt_id, "reversed", "reversed", None)
    closed = replace(payment, attempts=attempts)
    closed = replace(closed, attempts=_close(closed, data.reversal_id, "approved", None, data.latency_ms))
    if data.next is None:
        return replace(closed, state=require_transition(payment.state, "FAILED"), pending=None)
    require_transition(payment.state, "AUTHORIZING")
    return _next_provider(closed, data.next, entry)


_TARGETS: dict[str, State] = {"capture": "CAPTURED", "void": "CANCELED", "expiry": "EXPIRED"}


def _operation_started(payment: Payment, data: events.OperationStarted, entry: Entry) -> Payment:
    target = _TARGETS.get(data.attempt.operation, "CANCELED")
    if payment.amount_capturable == 0 or payment.pending is not None:
        raise InvalidTransition(payment.state, target)
    return replace(payment, **_open(payment, data.attempt, entry.idempotency, entry.at))


def _captured(payment: Payment, data: events.Captured, _entry: Entry) -> Payment:
    captured = payment.amount_captured + data.amount
    complete = data.final or captured == payment.amount_authorized
    if captured > payment.amount_authorized:
        raise InvalidTransition(payment.state, "captured above its authorized amount")
    return replace(
        payment,
        state=require_transition(payment.state, "CAPTURED" if complete else "PARTIALLY_CAPTURED"),
        amount_captured=captured,
        attempts=_close(payment, data.attempt_id, "approved", None, data.latency_ms),
        pending=None,
    )


def _canceled(payment: Payment, data: events.Canceled, _entry: Entry) -> Payment:
    """A canceled rest of a partly captured payment leaves it captured; there is nothing left to capture."""
    state: State = "CAPTURED" if payment.amount_captured else "CANCELED"
    if data.attempt_id is None and payment.state != "CREATED":
        raise InvalidTransition(payment.state, "canceled without a void at its provider")
    attempts = payment.attempts
    if data.attempt_id is not None:
        attempts = _close(payment, data.attempt_id, "approved", None, data.latency_ms)
    return replace(payment, state=require_transition(payment.state, state), attempts=attempts, pending=None)


def _expired(payment: Payment, data: events.Expired, _entry: Entry) -> Payment:
    """What was captured in time stays captured; only the rest has expired."""
    state: State = "CAPTURED" if payment.amount_captured else "EXPIRED"
    attempts = _close(payment, data.attempt_id, "approved", None, data.latency_ms)
    return replace(payment, state=require_transition(payment.state, state), attempts=attempts, pending=None)


def _late_reversal_started(payment: Payment, data: events.LateReversalStarted, entry: Entry) -> Payment:
    """Another authorization may stand meanwhile; nothing of the payment changes but that a call is open."""
    if payment.pending is not None or payment.reversed_authorization(data.authorization_id) is None:
        raise NoOpenAttempt(data.authorization_id)
    return replace(payment, **_open(payment, data.attempt, entry.idempotency, entry.at))


def _late_approval_voided(payment: Payment, data: events.LateApprovalVoided, _entry: Entry) -> Payment:
    attempts = _close(payment, data.attempt_id, "approved", None, data.latency_ms)
    return replace(payment, attempts=attempts, pending=None)


def _operation_declined(payment: Payment, data: events.OperationDeclined, _entry: Entry) -> Payment:
    attempts = _close(payment, data.attempt_id, "declined", data.decline.code, data.latency_ms)
    return replace(payment, attempts=attempts, pending=None)


def _operation_not_processed(payment: Payment, data: events.OperationNotProcessed, _entry: Entry) -> Payment:
    attempts = _close(payment, data.attempt_id, "not_processed", data.code, data.latency_ms)
    return replace(payment, attempts=attempts, pending=None)


def _taken_over(payment: Payment, data: events.TakenOver, _entry: Entry) -> Payment:
    return replace(payment, pending=owned_by(_pending(payment), data.owner))


_EVOLVE: dict[str, Callable[[Payment, Any, Entry], Payment]] = {
    "payment.authorization_started": _authorization_started,
    "payment.authorization_rerouted": _authorization_rerouted,
    "payment.authorized": _authorized,
    "payment.declined": _declined,
    "payment.failed": _failed,
    "payment.authorization_unknown": _authorization_unknown,
    "payment.reversal_started": _reversal_started,
    "payment.reversed": _reversed,
    "payment.capture_started": _operation_started,
    "payment.captured": _captured,
    "payment.capture_unknown": _operation_unknown,
    "payment.capture_declined": _operation_declined,
    "payment.capture_not_processed": _operation_not_processed,
    "payment.void_started": _operation_started,
    "payment.canceled": _canceled,
    "payment.void_unknown": _operation_unknown,
    "payment.void_declined": _operation_declined,
    "payment.void_not_processed": _operation_not_processed,
    "payment.expiry_started": _operation_started,
    "payment.expired": _expired,
    "payment.expiry_unknown": _operation_unknown,
    "payment.expiry_declined": _operation_declined,
    "payment.expiry_not_processed": _operation_not_processed,
    "payment.late_reversal_started": _late_reversal_started,
    "payment.late_approval_voided": _late_approval_voided,
    "payment.late_reversal_unknown": _operation_unknown,
    "payment.late_reversal_declined": _operation_declined,
    "payment.late_reversal_not_processed": _operation_not_processed,
    "payment.taken_over": _taken_over,
}
