"""Work that falls due by the clock, so that whoever moves the clock can have it done before they go on."""

from collections.abc import Awaitable, Callable
from datetime import datetime

#: Does what is due; when the next thing is, if that is known and a clock should not run past it.
Work = Callable[[], Awaitable[datetime | None]]


class DueWork:
    """What each part does when its time has come, in the order in which the parts said so."""

    def __init__(self) -> None:
        self._work: list[Work] = []

    def add(self, work: Work) -> None:
        """Have `work` done whenever the clock was moved: all of it that is due then."""
        self._work.append(work)

    async def run(self) -> datetime | None:
        """Do all that is due now; when more falls due that should be done in its time, none if nothing is known."""
        dues = [await work() for work in self._work]
        return min((due for due in dues if due is not None), default=None)
