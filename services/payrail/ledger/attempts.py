"""Calls to a provider, as payments and refunds keep them: what was tried, and the one operation that is open."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger.entry import Claim
from payrail.ledger.payment_events import AttemptOpened

AttemptOutcome = Literal["pending", "approved", "declined", "not_processed", "unknown", "reversed"]


class NoOpenAttempt(ValueError):
    """An outcome names an attempt that is not open: there is no outcome without its intent, and none twice."""

    code = "no_open_attempt"

    def __init__(self, attempt_id: str) -> None:
        super().__init__(f"the attempt {attempt_id} is not open")


class Attempt(Struct, frozen=True, gc=False):
    """One call to a provider, named by the reference the provider knows it by."""

    id: str
    operation: str
    provider: str
    outcome: AttemptOutcome
    at: str
    code: str | None = None
    latency_ms: int | None = None


class Pending(Struct, frozen=True):
    """The one operation that is open at a provider, with the idempotency claim it will answer.

    `unknown` says that nobody knows what the provider did; `accepted` that it has taken the operation up and will say
    later what came of it.
    """

    attempt: AttemptOpened
    claim: Claim | None
    unknown: bool = False
    reversal: AttemptOpened | None = None
    accepted: bool = False

    @property
    def owner(self) -> str:
        """The process that called the provider last."""
        return (self.reversal or self.attempt).owner


def close(
    attempts: tuple[Attempt, ...],
    attempt_id: str,
    outcome: AttemptOutcome,
    code: str | None,
    latency_ms: int | None,
) -> tuple[Attempt, ...]:
    """The attempts with this one's outcome; a latency that is already known stays (inquiry brings none)."""
    return tuple(
        replace(a, outcome=outcome, code=code, latency_ms=a.latency_ms if latency_ms is None else latency_ms)
        if a.id == attempt_id
        else a
        for a in attempts
    )


def owned_by(pending: Pending, owner: str) -> Pending:
    """The open operation in the hands of another process."""
    reversal = replace(pending.reversal, owner=owner) if pending.reversal else None
    return replace(pending, attempt=replace(pending.attempt, owner=owner), reversal=reversal)
