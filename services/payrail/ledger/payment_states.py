"""The states of a payment, and what may follow what."""

from typing import Literal

from payrail.ledger.transitions import require

State = Literal[
    "CREATED", "AUTHORIZING", "AUTHORIZED", "DECLINED", "UNKNOWN", "REVERSING", "FAILED", "CANCELED", "EXPIRED",
    "PARTIALLY_CAPTURED", "CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED",
]  # fmt: skip

PAYMENT_TRANSITIONS: dict[State, frozenset[State]] = {
    "CREATED": frozenset({"AUTHORIZING", "CANCELED"}),
    "AUTHORIZING": frozenset({"AUTHORIZED", "DECLINED", "UNKNOWN", "FAILED"}),
    "UNKNOWN": frozenset({"AUTHORIZED", "DECLINED", "REVERSING"}),
    "REVERSING": frozenset({"AUTHORIZING", "FAILED"}),
    "AUTHORIZED": frozenset({"PARTIALLY_CAPTURED", "CAPTURED", "CANCELED", "EXPIRED"}),
    "PARTIALLY_CAPTURED": frozenset({"PARTIALLY_CAPTURED", "CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED"}),
    "CAPTURED": frozenset({"PARTIALLY_REFUNDED", "REFUNDED"}),
    "PARTIALLY_REFUNDED": frozenset({"PARTIALLY_REFUNDED", "REFUNDED", "CAPTURED", "PARTIALLY_CAPTURED"}),
    "REFUNDED": frozenset({"PARTIALLY_REFUNDED", "CAPTURED", "PARTIALLY_CAPTURED"}),
    "DECLINED": frozenset(),
    "FAILED": frozenset(),
    "CANCELED": frozenset(),
    "EXPIRED": frozenset(),
}


def require_transition(current: State, target: State) -> State:
    """Return `target` if it may follow `current`, else raise `InvalidTransition`."""
    return require(PAYMENT_TRANSITIONS, current, target, "payment")
