"""A call of a provider as the wire and the events show it."""

from typing import Any

from payrail.ledger.attempts import Attempt


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    """One of the `attempts` in the contract's `Payment`, `Refund` and `Dispute`."""
    return {
        "id": attempt.id,
        "operation": attempt.operation,
        "provider": attempt.provider,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "latency_ms": attempt.latency_ms,
        "at": attempt.at,
    }
