"""Work that falls due by the clock, so that whoever moves the clock can have it done before they go on."""

from collections.abc import Awaitable, Callable

Work = Callable[[], Awaitable[None]]


class DueWork:
    """What each part does when its time has come, in the order in which the parts said so."""

    def __init__(self) -> None:
        self._work: list[Work] = []

    def add(self, work: Work) -> None:
        """Have `work` done whenever the clock was moved: all of it that is due then."""
        self._work.append(work)

    async def run(self) -> None:
        """Do all that is due now."""
        for work in self._work:
            await work()
