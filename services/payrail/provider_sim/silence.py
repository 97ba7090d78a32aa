"""The end of a call that nobody answers: it waits until its caller has given up, but never holds up a shut-down."""

import asyncio
import contextlib
from typing import NoReturn

from payrail.provider_sim.errors import ProviderSilent

SILENCE_S_MAX = 60.0


class Silence:
    """Where calls wait that are not to be answered. `end` lets all of them go, for good."""

    def __init__(self, s_max: float = SILENCE_S_MAX) -> None:
        self._s_max = s_max
        self._ended = asyncio.Event()
        self.waiting = 0

    async def fall(self) -> NoReturn:
        """Wait, at most ``s_max`` seconds of the monotonic clock, then raise `ProviderSilent`."""
        await self.pause(self._s_max)
        raise ProviderSilent("The provider did not answer in time; the operation may be processed or not.")

    async def pause(self, seconds: float) -> None:
        """Wait for real seconds, or until the end."""
        self.waiting += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._ended.wait()
        finally:
            self.waiting -= 1

    def end(self) -> None:
        """Let every waiting call go, and every later one at once."""
        self._ended.set()
