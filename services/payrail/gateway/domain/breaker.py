"""The circuit breaker of one provider: a pure state machine.

`CLOSED` lets calls through and counts technical failures in a row; a decline is a success, the provider did its work.
Enough of them make it `OPEN`: no call passes. When it has been open long enough it is `HALF_OPEN`: a fixed number of
probes pass, the first success closes it, the first failure opens it again.

Each change of state begins a new generation. A call tells its outcome together with the generation in which it was let
through, and an outcome of an earlier generation changes nothing: what a slow call learned before the breaker opened
says nothing about the provider of now.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

State = Literal["CLOSED", "OPEN", "HALF_OPEN"]
HISTORY_LENGTH_MAX = 50


class BreakerPolicy(Struct, frozen=True):
    """When it opens, how long it stays open (seconds of the one clock), and how many calls then try the provider."""

    failure_threshold: int
    open_s: float
    half_open_probes: int


class Transition(Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """One change of state, when and why."""

    before: State
    after: State
    at: datetime
    reason: str


class Breaker(Struct, frozen=True):
    """A breaker as it stands; `history` holds its latest changes, oldest first. `opened_at` is none when closed."""

    state: State = "CLOSED"
    consecutive_failures: int = 0
    generation: int = 0
    opened_at: datetime | None = None
    history: tuple[Transition, ...] = ()


def as_of(breaker: Breaker, now: datetime, policy: BreakerPolicy) -> Breaker:
    """The breaker at `now`: an open one is half open from the moment its time is over.

    Whoever asks computes the same, generation included, so that nobody needs to write it down for the others.
    """
    if breaker.state != "OPEN" or breaker.opened_at is None:
        return breaker
    due = breaker.opened_at + timedelta(seconds=policy.open_s)
    if now < due:
        return breaker
    return _change(breaker, "HALF_OPEN", due, f"it was open for {policy.open_s:g} s")


def succeeded(breaker: Breaker, generation: int, now: datetime) -> Breaker:
    """The breaker after a call came back with an answer, be it yes or no."""
    if generation != breaker.generation:
        return breaker
    if breaker.state == "HALF_OPEN":
        closed = _change(breaker, "CLOSED", now, "a probe succeeded")
        return replace(closed, consecutive_failures=0, opened_at=None)
    return replace(breaker, consecutive_failures=0) if breaker.consecutive_failures else breaker


def failed(breaker: Breaker, generation: int, code: str, now: datetime, policy: BreakerPolicy) -> Breaker:
    """The breaker after a call failed technically: surely not processed, or nobody knows. `code` says how."""
    if generation != breaker.generation:
        return breaker
    counted = replace(breaker, consecutive_failures=breaker.consecutive_failures + 1)
    if breaker.state == "HALF_OPEN":
        return replace(_change(counted, "OPEN", now, f"a probe failed: {code}"), opened_at=now)
    if counted.consecutive_failures < policy.failure_threshold:
        return counted
    reason = f"{counted.consecutive_failures} technical failures in a row, the last: {code}"
    return replace(_change(counted, "OPEN", now, reason), opened_at=now)


def _change(breaker: Breaker, state: State, at: datetime, reason: str) -> Breaker:
    history = (*breaker.history, Transition(breaker.state, state, at, reason))[-HISTORY_LENGTH_MAX:]
    return replace(breaker, state=state, generation=breaker.generation + 1, history=history)
