"""How the providers did lately, folded from the attempts that the ledger remembers: every process sees the same."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from payrail.ledger.attempts import Attempt
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund

RECENT_CALLS_MAX = 200
_ENTITIES_MAX = 2_000
_ANSWERED = frozenset({"approved", "declined"})
_BREAKER_OPEN = "breaker_open"  # No call was made: the breaker said no before.
_PERCENT = 100


class RecentCalls(Struct, frozen=True):
    """A provider's latest calls. Rates are shares from 0 to 1, latencies milliseconds; none where there is nothing to
    tell. A decline is an answer and so a success of the provider; `approval_rate` is of authorizations it answered."""

    calls: int
    success_rate: float | None
    approval_rate: float | None
    latency_ms_p50: int | None
    latency_ms_p95: int | None


def recent_calls(
    newest_first: Iterable[Payment | Refund | Dispute], providers: Collection[str]
) -> dict[str, RecentCalls]:
    """Each provider's latest finished calls, up to `RECENT_CALLS_MAX` of them, for what was begun last."""
    found: dict[str, list[Attempt]] = {provider: [] for provider in providers}
    wanting = set(providers)
    for looked_at, entity in enumerate(newest_first):
        if looked_at == _ENTITIES_MAX or not wanting:
            break
        for attempt in reversed(entity.attempts):
            if attempt.provider in wanting and attempt.outcome != "pending" and attempt.code != _BREAKER_OPEN:
                found[attempt.provider].append(attempt)
                if len(found[attempt.provider]) == RECENT_CALLS_MAX:
                    wanting.discard(attempt.provider)
    return {provider: _summary(attempts) for provider, attempts in found.items()}


def _summary(attempts: list[Attempt]) -> RecentCalls:
    answered = sum(attempt.outcome in _ANSWERED for attempt in attempts)
    asked = [a for a in attempts if a.operation == "authorize" and a.outcome in _ANSWERED]
    approved = sum(attempt.outcome == "approved" for attempt in asked)
    latencies = sorted(attempt.latency_ms for attempt in attempts if attempt.latency_ms is not None)
    return RecentCalls(
        len(attempts),
        _share(answered, len(attempts)),
        _share(approved, len(asked)),
        _percentile(latencies, 50),
        _percentile(latencies, 95),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentile(ordered: list[int], percent: int) -> int | None:
    """The nearest rank: the smallest value that at least `percent` of all do not exceed."""
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // _PERCENT)
    return ordered[rank - 1]
