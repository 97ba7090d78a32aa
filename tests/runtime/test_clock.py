"""One clock for all processes: it moves for everybody at once and never behind what is recorded."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payrail.runtime.clock import (
    ClockBehindFloor,
    ClockBeyondRange,
    ClockError,
    ClockFileInvalid,
    FrozenClock,
    SystemClock,
    parse_rfc3339,
    rfc3339,
)
from waiting import wait_until

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
ClockOf = Callable[[Path], SystemClock | FrozenClock]


def wall_at(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "clock.json"


def clock_at_noon(path: Path | None) -> SystemClock:
    return SystemClock(path, wall_ns=lambda: wall_at(NOON))


def test_without_a_file_it_is_the_machines_time(path: Path) -> None:
    before = datetime.now(UTC)
    now = SystemClock(path).now()
    assert before - timedelta(milliseconds=1) <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert clock_at_noon(path).now_ms() == 1_748_779_200_000


def await_time(clock: SystemClock, expected: datetime) -> None:
    """Another clock's move shows within some milliseconds."""
    wait_until(lambda: clock.now() == expected, f"it is {expected}")


def test_moving_one_clock_moves_every_clock_of_the_directory(path: Path) -> None:
    mover, other = clock_at_noon(path), clock_at_noon(path)
    assert other.now() == NOON
    assert mover.advance(timedelta(days=7)) == NOON + timedelta(days=7)
    assert mover.now() == NOON + timedelta(days=7)
    await_time(other, NOON + timedelta(days=7))
    assert other.set(NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)
    await_time(mover, NOON + timedelta(hours=1))
    assert mover.offset() == timedelta(hours=1)


def test_a_moved_clock_runs_on(path: Path) -> None:
    wall = [wall_at(NOON)]
    clock = SystemClock(path, wall_ns=lambda: wall[0])
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    wall[0] += 1_500_000_000
    assert clock.now() == datetime(2030, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_another_process_sees_the_move_at_its_next_reading(path: Path) -> None:
    clock = SystemClock(path)
    clock.advance(timedelta(days=1))
    program = (
        "import sys, pathlib; from payrail.runtime.clock import SystemClock\n"
        "clock = SystemClock(pathlib.Path(sys.argv[1]))\n"
        "print(clock.offset().days, flush=True); sys.stdin.readline(); print(clock.offset().days)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
        clock.advance(timedelta(days=4))
        child.stdin.write("\n")
        child.stdin.close()
        assert child.stdout.readline() == "5\n"


def test_removing_the_file_removes_the_offset(path: Path) -> None:
    clock = clock_at_noon(path)
    clock.advance(timedelta(days=1))
    path.unlink()
    await_time(clock, NOON)


@pytest.mark.parametrize("clock_of", [clock_at_noon, lambda _: FrozenClock(NOON)])
def test_the_clock_refuses_to_go_behind_the_floor(path: Path, clock_of: ClockOf) -> None:
    clock = clock_of(path)
    floor = NOON - timedelta(hours=1)
    assert clock.set(floor, floor=floor) == floor
    with pytest.raises(ClockBehindFloor, match=r"2025-06-01T10:59:59\.999Z: 2025-06-01T11:00:00\.000Z"):
        clock.advance(timedelta(milliseconds=-1), floor=floor)
    assert clock.now() == floor


@pytest.mark.parametrize("clock_of", [clock_at_noon, lambda _: FrozenClock(NOON)])
def test_a_move_stops_on_its_way_and_the_same_move_goes_on_to_the_same_goal(
    path: Path, clock_of: ClockOf
) -> None:
    clock = clock_of(path)
    week, stop = timedelta(days=7), NOON + timedelta(hours=1)
    assert clock.advance(week, mover="act_1", stop_at=stop) == stop
    assert clock.under_way
    assert clock.advance(week, mover="act_1", stop_at=NOON) == stop, "a stop behind it is no way back"
    assert clock.advance(week, mover="act_1") == NOON + week
    assert not clock.under_way
    assert clock.advance(week, mover="act_1") == NOON + week
    assert clock.set(NOON, mover="act_2", stop_at=NOON + timedelta(days=1)) == NOON, (
        "nothing is due on the way back"
    )
    assert not clock.under_way


def test_a_process_that_was_killed_on_the_way_leaves_the_goal_to_the_next(path: Path) -> None:
    clock_at_noon(path).advance(timedelta(days=7), mover="act_1", stop_at=NOON + timedelta(hours=1))
    assert clock_at_noon(path).advance(timedelta(days=7), mover="act_1") == NOON + timedelta(days=7)


def test_a_clock_without_a_file_cannot_be_moved() -> None:
    with pytest.raises(ClockError, match="no file"):
        clock_at_noon(None).advance(timedelta(seconds=1))


def test_a_time_beyond_the_calendar_is_refused(path: Path) -> None:
    clock = clock_at_noon(path)
    with pytest.raises(ClockBeyondRange, match="9998"):
        clock.advance(timedelta(days=4_000_000))
    assert clock.now() == NOON


@pytest.mark.parametrize("content", ["", "{}", '{"offset_us":"1"}', '{"offset_us":1,"more":2}'])
def test_a_foreign_clock_file_is_refused_and_kept(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    clock = clock_at_noon(path)
    with pytest.raises(ClockFileInvalid, match=r"clock\.json"):
        clock.now()
    with pytest.raises(ClockFileInvalid):
        clock.advance(timedelta(days=1))
    assert path.read_text() == content


def test_the_monotonic_clock_ignores_the_offset(path: Path) -> None:
    clock = SystemClock(path)
    before = time.monotonic()
    clock.advance(timedelta(days=-3))
    assert before <= clock.monotonic() <= time.monotonic()


def test_a_frozen_clock_stands_until_it_is_moved() -> None:
    clock = FrozenClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(seconds=90))
    assert (clock.now(), clock.now_ms(), clock.monotonic()) == (
        NOON + timedelta(seconds=90),
        1_748_779_290_000,
        90.0,
    )
    clock.set(NOON)
    assert clock.monotonic() == 90.0


def test_rfc3339_cuts_and_never_rounds_up() -> None:
    late = datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert rfc3339(late) == "2025-12-31T23:59:59.999Z"
    assert rfc3339(late, microseconds=True) == "2025-12-31T23:59:59.999999Z"
    assert rfc3339(datetime(2025, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == "2025-01-01T00:00:00.000Z"


def test_a_time_without_zone_is_refused_both_ways() -> None:
    with pytest.raises(ValueError, match="zone"):
        rfc3339(datetime(2025, 1, 1))  # noqa: DTZ001 - the case under test
    with pytest.raises(ValueError, match="zone"):
        parse_rfc3339("2025-01-01T00:00:00")


@pytest.mark.parametrize("text", ["", "2025-01-01", "now", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_rfc3339(text)


def test_other_offsets_parse_to_utc() -> None:
    assert parse_rfc3339("2025-06-01T14:00:00+02:00") == NOON
    assert parse_rfc3339("2025-06-01t12:00:00z") == NOON


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_round_trip_and_their_texts_sort_as_they_do(a: datetime, b: datetime) -> None:
    assert parse_rfc3339(rfc3339(a, microseconds=True)) == a
    assert (rfc3339(a, microseconds=True) < rfc3339(b, microseconds=True)) == (a < b)
