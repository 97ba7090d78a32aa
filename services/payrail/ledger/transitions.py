"""What may follow what: the one error for a move that no transition map allows."""

from collections.abc import Mapping
from typing import TypeVar

S = TypeVar("S", bound=str)


class InvalidTransition(ValueError):
    """The thing is not in a state from which this may follow. Both states are named."""

    code = "invalid_transition"

    def __init__(self, current: str, target: str, noun: str = "payment") -> None:
        self.detail = f"A {noun} in state {current} cannot become {target}."
        super().__init__(self.detail)
        self.current = current
        self.target = target


def require(transitions: Mapping[S, frozenset[S]], current: S, target: S, noun: str) -> S:
    """Return `target` if it may follow `current`, else raise `InvalidTransition`."""
    if target not in transitions[current]:
        raise InvalidTransition(current, target, noun)
    return target
