"""The one clock of all services: wall time plus an offset that every process of a data directory shares."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import msgspec

from payrail.runtime.durable_file import exclusive, replace_file

# A clock is read several times in every request; a look at the file costs more than the rest of the reading.
LOOK_EVERY_NS = 5_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Where a clock that is moved must stay before. It runs on from there, and what is due later has a date, too.
END = datetime(9999, 1, 1, tzinfo=UTC)


class ClockError(Exception):
    """The clock cannot be read or moved."""


class ClockFileInvalid(ClockError):
    """``clock.json`` is not what this module writes; it is never overwritten unread."""


class ClockBehindFloor(ClockError):
    """The move would take the clock behind a time that is already recorded."""

    def __init__(self, target: datetime, floor: datetime) -> None:
        super().__init__(f"the clock cannot go to {rfc3339(target)}: {rfc3339(floor)} is already recorded")
        self.target = target
        self.floor = floor


class ClockBeyondRange(ClockError):
    """The move would take the clock out of the years that it keeps."""

    def __init__(self) -> None:
        super().__init__("the clock cannot go there: it stays within the years 1970 to 9998")


class Clock(Protocol):
    """Where every service takes its time from."""

    def now(self) -> datetime:
        """The time in UTC, timezone-aware."""
        ...

    def now_ms(self) -> int:
        """The same time in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run back and that no offset moves; for time-outs of real I/O."""
        ...


class _Offset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What ``clock.json`` says. ``goal_us`` is the offset that the last move is on its way to, none if it is there."""

    offset_us: int
    moved_by: str | None = None
    goal_us: int | None = None


class SystemClock:
    """The machine's time plus the offset in ``clock.json``; a missing file is offset zero.

    A change made here is seen at once, one made by another process within 5 ms: a call compares the file's
    identity with one ``stat``, at most once in that time, and reads it only when that changed.
    """

    def __init__(self, path: Path | None = None, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = path
        self._wall_ns = wall_ns
        self._file_seen: tuple[int, int, int] | None = None
        self._look_again_ns = 0
        self._offset_us = 0
        self._seen = _Offset(0)

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._now_us())

    def now_ms(self) -> int:
        if time.monotonic_ns() >= self._look_again_ns:
            self._refresh()
        return (self._wall_ns() // 1000 + self._offset_us) // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    def offset(self) -> timedelta:
        """How far this clock is from the machine's."""
        self._look_again_ns = 0
        self._refresh()
        return timedelta(microseconds=self._offset_us)

    @property
    def seen_within_s(self) -> float:
        """How long it takes until a move is seen by every process."""
        return LOOK_EVERY_NS / 1_000_000_000

    @property
    def under_way(self) -> bool:
        """Whether the last move stopped before its goal."""
        return self._seen.goal_us is not None

    def advance(
        self,
        by: timedelta,
        *,
        floor: datetime | None = None,
        mover: str | None = None,
        stop_at: datetime | None = None,
    ) -> datetime:
        """Move every process's clock by a difference; returns the new time. `ClockBehindFloor` if it would
        pass it.

        `mover` names the move: the same one again right after it, as after a crash, changes nothing. A move forward
        that finds `stop_at` on its way stops there; the same one again goes on, to the same goal.
        """
        return self._move(lambda now: now + by, floor, mover, stop_at)

    def set(
        self,
        to: datetime,
        *,
        floor: datetime | None = None,
        mover: str | None = None,
        stop_at: datetime | None = None,
    ) -> datetime:
        """Move every process's clock to a time, from where it runs on; returns the new time. Else as `advance`."""
        return self._move(lambda _: to, floor, mover, stop_at)

    def _move(
        self,
        target_of: Callable[[datetime], datetime],
        floor: datetime | None,
        mover: str | None,
        stop_at: datetime | None,
    ) -> datetime:
        if self._path is None:
            raise ClockError("this clock has no file to keep an offset in")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self._path.with_name(self._path.name + ".lock")):
            self._look_again_ns = 0
            self._refresh()
            goal_us = self._seen.goal_us
            again = mover is not None and mover == self._seen.moved_by
            if again and goal_us is None:
                return self.now()
            # Read once, so that moving by a day is a day to the microsecond.
            wall_us = self._wall_ns() // 1000
            if not again or goal_us is None:
                goal_us = _goal_us(target_of, wall_us, self._offset_us)
            _require_possible(EPOCH + timedelta(microseconds=wall_us + goal_us), floor)
            reached = _Offset(goal_us, mover)
            if stop_at is not None:
                stop_us = max((stop_at - EPOCH) // timedelta(microseconds=1) - wall_us, self._offset_us)
                if stop_us < goal_us:
                    reached = _Offset(stop_us, mover, goal_us)
            replace_file(self._path, [msgspec.json.encode(reached) + b"\n"])
            self._look_again_ns = 0
            return self.now()

    def _now_us(self) -> int:
        if time.monotonic_ns() >= self._look_again_ns:
            self._refresh()
        return self._wall_ns() // 1000 + self._offset_us

    def _refresh(self) -> None:
        """Look at the file, if there is one, and say when to look again."""
        looked_ns = time.monotonic_ns()
        if self._path is None:
            self._look_again_ns = looked_ns + LOOK_EVERY_NS
            return
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - on every reading of the clock: half the cost of Path.stat.
        except FileNotFoundError:
            self._offset_us, self._seen, self._file_seen = 0, _Offset(0), None
            self._look_again_ns = looked_ns + LOOK_EVERY_NS
            return
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen != self._file_seen:
            try:
                stored = msgspec.json.decode(self._path.read_bytes(), type=_Offset)
            except msgspec.DecodeError as error:
                raise ClockFileInvalid(f"{self._path} is not a clock file: {error}") from None
            self._offset_us, self._seen = stored.offset_us, stored
            self._file_seen = seen
        self._look_again_ns = looked_ns + LOOK_EVERY_NS


class FrozenClock:
    """A clock that stands still until it is told otherwise; for tests and simulations."""

    def __init__(self, at: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._now = self._first = at
        self._monotonic = 0.0
        self._moved_by: str | None = None
        self._goal: datetime | None = None

    def now(self) -> datetime:
        return self._now

    def now_ms(self) -> int:
        return (self._now - EPOCH) // timedelta(milliseconds=1)

    def monotonic(self) -> float:
        return self._monotonic

    def offset(self) -> timedelta:
        """How far it was moved from where it stood at first."""
        return self._now - self._first

    @property
    def seen_within_s(self) -> float:
        """Nobody has to look for its moves."""
        return 0.0

    @property
    def under_way(self) -> bool:
        """Whether the last move stopped before its goal."""
        return self._goal is not None

    def advance(
        self,
        by: timedelta,
        *,
        floor: datetime | None = None,
        mover: str | None = None,
        stop_at: datetime | None = None,
    ) -> datetime:
        """Move forward, or back; the monotonic clock follows forward moves only."""
        try:
            target = self._now + by
        except OverflowError:
            raise ClockBeyondRange from None
        return self.set(target, floor=floor, mover=mover, stop_at=stop_at)

    def set(
        self,
        to: datetime,
        *,
        floor: datetime | None = None,
        mover: str | None = None,
        stop_at: datetime | None = None,
    ) -> datetime:
        """Move to a time; `ClockBehindFloor` if it would pass the floor. The last `mover` again changes nothing, or
        goes on from where it stopped."""
        again = mover is not None and mover == self._moved_by
        if again and self._goal is None:
            return self._now
        goal = self._goal if again and self._goal is not None else to
        _require_possible(goal, floor)
        reached = goal if stop_at is None else min(goal, max(stop_at, self._now))
        self._monotonic += max(0.0, (reached - self._now).total_seconds())
        self._now, self._moved_by, self._goal = reached, mover, goal if reached < goal else None
        return reached


def _goal_us(target_of: Callable[[datetime], datetime], wall_us: int, offset_us: int) -> int:
    """The offset that a move is to end with, in microseconds."""
    try:
        target = target_of(EPOCH + timedelta(microseconds=wall_us + offset_us))
    except OverflowError:
        raise ClockBeyondRange from None
    return (target - EPOCH) // timedelta(microseconds=1) - wall_us


def _require_possible(target: datetime, floor: datetime | None) -> None:
    """Raises `ClockBehindFloor`, and `ClockBeyondRange` before 1970, where no id that is made of the time can begin,
    and after the year 9998."""
    if not EPOCH <= target < END:
        raise ClockBeyondRange
    if floor is not None and target < floor:
        raise ClockBehindFloor(target, floor)


def rfc3339(at: datetime, *, microseconds: bool = False) -> str:
    """RFC 3339 in UTC with ``Z`` and a fixed number of digits, so that the strings sort as the times do.

    Milliseconds by default, cut and not rounded: a time never appears later than it was.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone is no point in time")
    in_utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return (
        in_utc.isoformat(timespec="microseconds" if microseconds else "milliseconds")[: -len("+00:00")] + "Z"
    )


def rfc3339_of_ms(ms: int) -> str:
    """`rfc3339` of milliseconds since 1970. Times of one second share the work: a ledger entry carries several."""
    return f"{_second_text(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=16)
def _second_text(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def parse_rfc3339(text: str) -> datetime:
    """The point in time, in UTC, that an RFC 3339 text names; `ValueError` if it is none or lacks its
    zone."""
    try:
        at = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        raise ValueError("not an RFC 3339 time") from None
    if at.tzinfo is None:
        raise ValueError("an RFC 3339 time has a zone")
    return at.astimezone(UTC)
