"""The fold of a dispute: what its entries, in order, make of it. Every change passes `DISPUTE_TRANSITIONS`."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger import dispute_events as events
from payrail.ledger.attempts import Attempt, AttemptOutcome, NoOpenAttempt, Pending, close, owned_by
from payrail.ledger.entry import Entry
from payrail.ledger.payment_events import (
    AttemptOpened,
    Decline,
    OperationDeclined,
    OperationNotProcessed,
    OutcomeUnknown,
    TakenOver,
)
from payrail.ledger.transitions import InvalidTransition, require

DisputeState = Literal["OPENING", "NOT_OPENED", "NEEDS_RESPONSE", "UNDER_REVIEW", "WON", "LOST"]

#: Nothing but the provider's confirmation leads out of `OPENING`; `LOST` without evidence is accepted or overdue.
DISPUTE_TRANSITIONS: dict[DisputeState, frozenset[DisputeState]] = {
    "OPENING": frozenset({"NEEDS_RESPONSE", "NOT_OPENED"}),
    "NEEDS_RESPONSE": frozenset({"UNDER_REVIEW", "LOST"}),
    "UNDER_REVIEW": frozenset({"WON", "LOST"}),
    "WON": frozenset(),
    "LOST": frozenset(),
    "NOT_OPENED": frozenset(),
}

#: In these a dispute blocks the execution of refunds.
OPEN_DISPUTE_STATES: frozenset[DisputeState] = frozenset({"OPENING", "NEEDS_RESPONSE", "UNDER_REVIEW"})


class Evidence(Struct, frozen=True):
    """What was said for the merchant, by whom and when; `submitted` once the provider has it."""

    kind: str
    text: str
    submitted_by: str
    at: str
    submitted: bool = False


class Dispute(Struct, frozen=True):
    """A dispute as of its entry `version`. Amounts are minor units of `currency`, that of the payment."""

    id: str
    merchant_id: str
    payment_id: str
    state: DisputeState
    amount: int
    currency: str
    reason: str
    provider: str
    reference: str
    opened_by: str
    created_at: str
    updated_at: str
    version: int
    seq: int
    provider_reference: str | None = None
    fee_amount: int = 0
    respond_by: str | None = None
    decline: Decline | None = None
    evidence: tuple[Evidence, ...] = ()
    resolving: events.DisputeOutcome | None = None
    attempts: tuple[Attempt, ...] = ()
    pending: Pending | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_DISPUTE_STATES

    @property
    def amount_disputed(self) -> int:
        """What cannot be refunded because of it: while it is open, and when it is lost."""
        return self.amount if self.is_open or self.state == "LOST" else 0


def require_dispute_transition(current: DisputeState, target: DisputeState) -> DisputeState:
    """Return `target` if it may follow `current`, else raise `InvalidTransition`."""
    return require(DISPUTE_TRANSITIONS, current, target, "dispute")


def evolve_dispute(dispute: Dispute | None, entry: Entry) -> Dispute:
    """The dispute after `entry`. Raises `InvalidTransition` or `NoOpenAttempt` where the entry may not follow."""
    if dispute is None:
        return _first(entry)
    if entry.type not in _EVOLVE:
        raise InvalidTransition(dispute.state, entry.type, "dispute")
    changed = _EVOLVE[entry.type](dispute, entry.data, entry)
    return replace(changed, updated_at=entry.at, version=entry.version, seq=entry.seq)


def _first(entry: Entry) -> Dispute:
    terms: events.DisputeTerms | None = getattr(entry.data, "terms", None)
    if entry.type not in ("dispute.opening_started", "dispute.opened") or terms is None:
        raise InvalidTransition("none", entry.type, "dispute")
    dispute = Dispute(
        id=entry.entity,
        merchant_id=terms.merchant_id,
        payment_id=terms.payment_id,
        state="OPENING",
        amount=terms.amount,
        currency=terms.currency,
        reason=terms.reason,
        provider=terms.provider,
        reference=terms.reference,
        opened_by=entry.actor.id,
        created_at=entry.at,
        updated_at=entry.at,
        version=entry.version,
        seq=entry.seq,
    )
    if entry.type == "dispute.opened":
        return _confirmed(dispute, entry.data)
    return _begin(dispute, entry.data.attempt, entry)


def _begin(dispute: Dispute, opened: AttemptOpened, entry: Entry) -> Dispute:
    if dispute.pending is not None:
        raise InvalidTransition(dispute.state, entry.type, "dispute")
    attempt = Attempt(opened.id, opened.operation, opened.provider, "pending", entry.at)
    return replace(dispute, attempts=(*dispute.attempts, attempt), pending=Pending(opened, entry.idempotency))


def _close(
    dispute: Dispute,
    attempt_id: str | None,
    outcome: AttemptOutcome,
    code: str | None,
    latency_ms: int | None,
    operation: str | None = None,
) -> Dispute:
    """The dispute without its open attempt, which must be the one named, of the operation if one is said."""
    pending = _open_attempt(dispute, attempt_id)
    if operation is not None and pending.attempt.operation != operation:
        raise NoOpenAttempt(attempt_id or "none")
    attempts = close(dispute.attempts, pending.attempt.id, outcome, code, latency_ms)
    return replace(dispute, attempts=attempts, pending=None)


def _opened(dispute: Dispute, data: events.DisputeOpened, _entry: Entry) -> Dispute:
    return _confirmed(_close(dispute, data.attempt_id, "approved", None, data.latency_ms, "dispute"), data)


def _confirmed(dispute: Dispute, data: events.DisputeOpened) -> Dispute:
    return replace(
        dispute,
        state=require_dispute_transition(dispute.state, "NEEDS_RESPONSE"),
        provider_reference=data.provider_reference,
        fee_amount=data.merchant_fee,
        respond_by=data.respond_by,
    )


def _evidence_started(dispute: Dispute, data: events.EvidenceStarted, entry: Entry) -> Dispute:
    require_dispute_transition(dispute.state, "UNDER_REVIEW")
    evidence = Evidence(data.kind, data.text, entry.actor.id, entry.at)
    return _begin(replace(dispute, evidence=(*dispute.evidence, evidence)), data.attempt, entry)


def _evidence_submitted(dispute: Dispute, data: events.EvidenceSubmitted, _entry: Entry) -> Dispute:
    closed = _close(dispute, data.attempt_id, "approved", None, data.latency_ms, "evidence")
    *former, last = closed.evidence
    return replace(
        closed,
        state=require_dispute_transition(dispute.state, "UNDER_REVIEW"),
        evidence=(*former, replace(last, submitted=True)),
    )


def _resolution_started(dispute: Dispute, data: events.ResolutionStarted, entry: Entry) -> Dispute:
    require_dispute_transition(dispute.state, data.outcome)
    return _begin(replace(dispute, resolving=data.outcome), data.attempt, entry)


def _resolved(dispute: Dispute, data: events.DisputeWon | events.DisputeLost, entry: Entry) -> Dispute:
    outcome: DisputeState = "WON" if entry.type == "dispute.won" else "LOST"
    if dispute.resolving != outcome:
        raise InvalidTransition(dispute.state, outcome, "dispute")
    closed = _close(dispute, data.attempt_id, "approved", None, data.latency_ms, "resolution")
    return replace(closed, state=require_dispute_transition(dispute.state, outcome), resolving=None)


def _unknown(dispute: Dispute, data: OutcomeUnknown, _entry: Entry) -> Dispute:
    pending = _open_attempt(dispute, data.attempt_id)
    attempts = close(dispute.attempts, data.attempt_id, "unknown", data.code, data.latency_ms)
    return replace(dispute, attempts=attempts, pending=replace(pending, unknown=True))


def _declined(dispute: Dispute, data: OperationDeclined, _entry: Entry) -> Dispute:
    closed = _close(dispute, data.attempt_id, "declined", data.decline.code, data.latency_ms)
    return _undone(replace(closed, decline=data.decline))


def _not_processed(dispute: Dispute, data: OperationNotProcessed, _entry: Entry) -> Dispute:
    return _undone(_close(dispute, data.attempt_id, "not_processed", data.code, data.latency_ms))


def _undone(dispute: Dispute) -> Dispute:
    """As before the operation: what was not opened never will be, evidence that the provider has not is taken out."""
    if dispute.state == "OPENING":
        return replace(dispute, state=require_dispute_transition("OPENING", "NOT_OPENED"))
    submitted = tuple(evidence for evidence in dispute.evidence if evidence.submitted)
    return replace(dispute, evidence=submitted, resolving=None)


def _taken_over(dispute: Dispute, data: TakenOver, _entry: Entry) -> Dispute:
    return replace(dispute, pending=owned_by(_open_attempt(dispute, data.attempt_id), data.owner))


def _open_attempt(dispute: Dispute, attempt_id: str | None) -> Pending:
    if dispute.pending is None or dispute.pending.attempt.id != attempt_id:
        raise NoOpenAttempt(attempt_id or "none")
    return dispute.pending


_EVOLVE: dict[str, Callable[[Dispute, Any, Entry], Dispute]] = {
    "dispute.opened": _opened,
    "dispute.evidence_started": _evidence_started,
    "dispute.evidence_submitted": _evidence_submitted,
    "dispute.resolution_started": _resolution_started,
    "dispute.won": _resolved,
    "dispute.lost": _resolved,
    "dispute.unknown": _unknown,
    "dispute.declined": _declined,
    "dispute.not_processed": _not_processed,
    "dispute.taken_over": _taken_over,
}
