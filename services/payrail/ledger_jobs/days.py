"""What the jobs over a UTC day share: the day they refuse, and those they tell how far they are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PROGRESS_EVERY_S = 0.2

#: Told how many bytes of the books are dealt with, out of how many.
Progress = Callable[[int, int], Awaitable[None]]


async def untold(_done: int, _total: int) -> None:
    """For those who do not want to know."""


async def watched(work: Callable[[Callable[[int], None]], T], total: int, progress: Progress) -> T:
    """The result of `work`, which runs beside the event loop and says of each piece of the books how long it was.

    Books may grow meanwhile: no more than `total` is told.
    """
    done = 0

    def advance(read: int) -> None:
        nonlocal done
        done += read

    running = asyncio.ensure_future(asyncio.to_thread(work, advance))
    while not running.done():
        await asyncio.wait({running}, timeout=_PROGRESS_EVERY_S)
        await progress(min(done, total), total)
    return running.result()


class FutureDate(Exception):
    """The day has not begun."""

    code = "future_date"

    def __init__(self, date: str) -> None:
        self.detail: str = f"{date} has not begun: there is nothing of it yet."
        super().__init__(self.detail)
