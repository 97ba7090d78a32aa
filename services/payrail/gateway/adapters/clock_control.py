"""Moving the one clock of all services."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from payrail.gateway.ports import ClockBehindLedger, ClockFixed, ClockOutOfRange
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.clock import (
    ClockBehindFloor,
    ClockBeyondRange,
    FrozenClock,
    SystemClock,
    parse_rfc3339,
)


class ClockMover:
    """`ClockControl` of a clock; `movable` is false in production."""

    def __init__(self, clock: SystemClock | FrozenClock, *, movable: bool) -> None:
        self._clock = clock
        self._movable = movable

    def offset_s(self) -> float:
        return self._clock.offset() / timedelta(seconds=1)

    async def advance(self, by_s: int, *, mover: str, floor: str | None, stop_at: datetime | None) -> bool:
        def move(at_least: datetime | None) -> None:
            self._clock.advance(timedelta(seconds=by_s), floor=at_least, mover=mover, stop_at=stop_at)

        return await self._move(move, floor)

    async def set(self, to: str, *, mover: str, floor: str | None, stop_at: datetime | None) -> bool:
        def move(at_least: datetime | None) -> None:
            self._clock.set(parse_rfc3339(to), floor=at_least, mover=mover, stop_at=stop_at)

        return await self._move(move, floor)

    async def _move(self, move: Callable[[datetime | None], None], floor: str | None) -> bool:
        if not self._movable:
            raise ClockFixed
        try:
            move(parse_rfc3339(floor) if floor else None)
        except ClockBehindFloor:
            raise ClockBehindLedger(floor or "") from None
        except ClockBeyondRange:
            raise ClockOutOfRange from None
        except OSError as error:
            raise LogUnavailable(Path("clock.json"), str(error)) from error
        arrived = not self._clock.under_way
        # Until it is seen everywhere, another process would do what is due by the old time.
        await asyncio.sleep(self._clock.seen_within_s)
        return arrived
