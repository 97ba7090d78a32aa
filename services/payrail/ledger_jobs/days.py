"""What the jobs over a UTC day share: the day they refuse, and those they tell how far they are."""

from collections.abc import Awaitable, Callable

#: Told how many bytes of the books are dealt with, out of how many.
Progress = Callable[[int, int], Awaitable[None]]


async def untold(_done: int, _total: int) -> None:
    """For those who do not want to know."""


class FutureDate(Exception):
    """The day has not begun."""

    code = "future_date"

    def __init__(self, date: str) -> None:
        self.detail: str = f"{date} has not begun: there is nothing of it yet."
        super().__init__(self.detail)
