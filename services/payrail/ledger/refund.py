"""The fold of a refund: what its entries, in order, make of it. Every change passes `REFUND_TRANSITIONS`."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger import refund_events as events
from payrail.ledger.attempts import Attempt, NoOpenAttempt, Pending, close, owned_by
from payrail.ledger.entry import Entry
from payrail.ledger.payment_events import (
    AttemptOpened,
    Decline,
    OperationNotProcessed,
    OutcomeUnknown,
    TakenOver,
)
from payrail.ledger.transitions import InvalidTransition, require

RefundState = Literal["PENDING_APPROVAL", "APPROVED", "PROCESSING", "SUCCEEDED", "FAILED", "REJECTED"]

#: An execution that was surely not processed leads back to `APPROVED`; a late failure from `SUCCEEDED` to `FAILED`.
REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    "PENDING_APPROVAL": frozenset({"APPROVED", "REJECTED"}),
    "APPROVED": frozenset({"PROCESSING"}),
    "PROCESSING": frozenset({"SUCCEEDED", "FAILED", "APPROVED"}),
    "SUCCEEDED": frozenset({"FAILED"}),
    "FAILED": frozenset(),
    "REJECTED": frozenset(),
}

#: While it is in one of these a refund holds its amount.
OPEN_REFUND_STATES: frozenset[RefundState] = frozenset({"PENDING_APPROVAL", "APPROVED", "PROCESSING"})


class Refund(Struct, frozen=True):
    """A refund as of its entry `version`. `amount` is minor units of `currency`, that of the payment."""

    id: str
    merchant_id: str
    payment_id: str
    state: RefundState
    amount: int
    currency: str
    reason: str
    provider: str
    requested_by: str
    created_at: str
    updated_at: str
    version: int
    seq: int
    decided_by: str | None = None
    provider_reference: str | None = None
    failure: Decline | None = None
    attempts: tuple[Attempt, ...] = ()
    pending: Pending | None = None

    @property
    def amount_reserved(self) -> int:
        """What it keeps other refunds of the payment from taking."""
        return self.amount if self.state in OPEN_REFUND_STATES else 0

    @property
    def amount_refunded(self) -> int:
        """What the holder of the card has got back."""
        return self.amount if self.state == "SUCCEEDED" else 0


def require_refund_transition(current: RefundState, target: RefundState) -> RefundState:
    """Return `target` if it may follow `current`, else raise `InvalidTransition`."""
    return require(REFUND_TRANSITIONS, current, target, "refund")


def evolve_refund(refund: Refund | None, entry: Entry) -> Refund:
    """The refund after `entry`. Raises `InvalidTransition` or `NoOpenAttempt` where the entry may not follow."""
    if refund is None:
        return _requested(entry)
    if entry.type not in _EVOLVE:
        raise InvalidTransition(refund.state, entry.type, "refund")
    changed = _EVOLVE[entry.type](refund, entry.data, entry)
    return replace(changed, updated_at=entry.at, version=entry.version, seq=entry.seq)


def _requested(entry: Entry) -> Refund:
    if entry.type != "refund.requested":
        raise InvalidTransition("none", entry.type, "refund")
    data: events.RefundRequested = entry.data
    return Refund(
        id=entry.entity,
        merchant_id=data.merchant_id,
        payment_id=data.payment_id,
        state="PENDING_APPROVAL",
        amount=data.amount,
        currency=data.currency,
        reason=data.reason,
        provider=data.provider,
        requested_by=entry.actor.id,
        created_at=entry.at,
        updated_at=entry.at,
        version=entry.version,
        seq=entry.seq,
    )


def _approved(refund: Refund, data: events.RefundApproved, entry: Entry) -> Refund:
    approved = replace(
        refund, state=require_refund_transition(refund.state, "APPROVED"), decided_by=entry.actor.id
    )
    return _started(approved, data.attempt, entry)


def _execution_started(refund: Refund, data: events.RefundExecutionStarted, entry: Entry) -> Refund:
    return _started(refund, data.attempt, entry)


def _started(refund: Refund, opened: AttemptOpened, entry: Entry) -> Refund:
    attempt = Attempt(opened.id, opened.operation, opened.provider, "pending", entry.at)
    return replace(
        refund,
        state=require_refund_transition(refund.state, "PROCESSING"),
        attempts=(*refund.attempts, attempt),
        pending=Pending(opened, entry.idempotency),
    )


def _rejected(refund: Refund, _data: events.RefundRejected, entry: Entry) -> Refund:
    return replace(
        refund, state=require_refund_transition(refund.state, "REJECTED"), decided_by=entry.actor.id
    )


def _accepted(refund: Refund, data: events.RefundAccepted, _entry: Entry) -> Refund:
    pending = _open_attempt(refund, data.attempt_id)
    return replace(
        refund,
        provider_reference=data.provider_reference,
        attempts=close(refund.attempts, data.attempt_id, "pending", None, data.latency_ms),
        pending=replace(pending, accepted=True, unknown=False),
    )


def _succeeded(refund: Refund, data: events.RefundSucceeded, _entry: Entry) -> Refund:
    _open_attempt(refund, data.attempt_id)
    return replace(
        refund,
        state=require_refund_transition(refund.state, "SUCCEEDED"),
        provider_reference=data.provider_reference,
        attempts=close(refund.attempts, data.attempt_id, "approved", None, data.latency_ms),
        pending=None,
    )


def _failed(refund: Refund, data: events.RefundFailed, _entry: Entry) -> Refund:
    if refund.state != "SUCCEEDED":
        _open_attempt(refund, data.attempt_id)
    elif refund.attempts[-1].id != data.attempt_id:
        raise NoOpenAttempt(data.attempt_id)
    return replace(
        refund,
        state=require_refund_transition(refund.state, "FAILED"),
        failure=data.failure,
        attempts=close(refund.attempts, data.attempt_id, "declined", data.failure.code, data.latency_ms),
        pending=None,
    )


def _unknown(refund: Refund, data: OutcomeUnknown, _entry: Entry) -> Refund:
    pending = _open_attempt(refund, data.attempt_id)
    return replace(
        refund,
        attempts=close(refund.attempts, data.attempt_id, "unknown", data.code, data.latency_ms),
        pending=replace(pending, unknown=True),
    )


def _not_processed(refund: Refund, data: OperationNotProcessed, _entry: Entry) -> Refund:
    _open_attempt(refund, data.attempt_id)
    return replace(
        refund,
        state=require_refund_transition(refund.state, "APPROVED"),
        attempts=close(refund.attempts, data.attempt_id, "not_processed", data.code, data.latency_ms),
        pending=None,
    )


def _taken_over(refund: Refund, data: TakenOver, _entry: Entry) -> Refund:
    return replace(refund, pending=owned_by(_open_attempt(refund, data.attempt_id), data.owner))


def _open_attempt(refund: Refund, attempt_id: str) -> Pending:
    if refund.pending is None or refund.pending.attempt.id != attempt_id:
        raise NoOpenAttempt(attempt_id)
    return refund.pending


_EVOLVE: dict[str, Callable[[Refund, Any, Entry], Refund]] = {
    "refund.approved": _approved,
    "refund.execution_started": _execution_started,
    "refund.rejected": _rejected,
    "refund.accepted": _accepted,
    "refund.succeeded": _succeeded,
    "refund.failed": _failed,
    "refund.unknown": _unknown,
    "refund.not_processed": _not_processed,
    "refund.taken_over": _taken_over,
}
