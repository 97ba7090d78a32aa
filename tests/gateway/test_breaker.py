"""The state machine of the circuit breaker."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from payrail.gateway.domain.breaker import (
    HISTORY_LENGTH_MAX,
    Breaker,
    BreakerPolicy,
    as_of,
    failed,
    succeeded,
)

T0 = datetime(2025, 1, 1, tzinfo=UTC)
POLICY = BreakerPolicy(failure_threshold=5, open_s=30, half_open_probes=2)


def fail(breaker: Breaker, times: int = 1, at: datetime = T0) -> Breaker:
    for _ in range(times):
        breaker = failed(breaker, breaker.generation, "timeout", at, POLICY)
    return breaker


def test_it_opens_at_exactly_the_configured_failure() -> None:
    assert fail(Breaker(), 4).state == "CLOSED"
    opened = fail(Breaker(), 5)
    assert (opened.state, opened.opened_at, opened.consecutive_failures) == ("OPEN", T0, 5)
    assert opened.history[-1].reason == "5 technical failures in a row, the last: timeout"


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = fail(Breaker(), 4)
    breaker = succeeded(breaker, breaker.generation, T0)
    assert fail(breaker, 4).state == "CLOSED"


def test_it_is_half_open_from_the_moment_its_time_is_over_whoever_asks() -> None:
    opened = fail(Breaker(), 5)
    assert as_of(opened, T0 + timedelta(seconds=29.999), POLICY) == opened
    due = as_of(opened, T0 + timedelta(seconds=30), POLICY)
    assert due.state == "HALF_OPEN"
    assert as_of(opened, T0 + timedelta(days=3), POLICY) == due, "the same, however late the question comes"


def test_a_probe_closes_it_or_opens_it_again() -> None:
    half_open = as_of(fail(Breaker(), 5), T0 + timedelta(seconds=30), POLICY)
    closed = succeeded(half_open, half_open.generation, T0 + timedelta(seconds=31))
    assert (closed.state, closed.consecutive_failures, closed.opened_at) == ("CLOSED", 0, None)
    reopened = fail(half_open, at=T0 + timedelta(seconds=31))
    assert (reopened.state, reopened.opened_at) == ("OPEN", T0 + timedelta(seconds=31))


def test_what_a_call_of_an_earlier_generation_learned_changes_nothing() -> None:
    opened = fail(Breaker(), 5)
    assert succeeded(opened, 0, T0) == opened
    assert failed(opened, 0, "timeout", T0, POLICY) == opened
    half_open = as_of(opened, T0 + timedelta(seconds=30), POLICY)
    assert succeeded(half_open, 0, T0) == half_open


@given(st.lists(st.sampled_from(["fail", "succeed", "wait"]), max_size=400))
def test_every_walk_keeps_its_history_bounded_and_its_fields_in_step(steps: list[str]) -> None:
    breaker, now = Breaker(), T0
    for step in steps:
        if step == "wait":
            now += timedelta(seconds=30)
        breaker = as_of(breaker, now, POLICY)
        if step == "fail" and breaker.state != "OPEN":
            breaker = failed(breaker, breaker.generation, "timeout", now, POLICY)
        elif step == "succeed" and breaker.state != "OPEN":
            breaker = succeeded(breaker, breaker.generation, now)
        assert (breaker.opened_at is None) is (breaker.state == "CLOSED")
        assert breaker.state != "CLOSED" or breaker.consecutive_failures < POLICY.failure_threshold
        assert len(breaker.history) <= HISTORY_LENGTH_MAX
        chain = breaker.history
        assert all(before.after == after.before for before, after in pairwise(chain))
        assert not chain or chain[-1].after == breaker.state
