"""Waiting for an event that may come, for a task that may be ended meanwhile."""

import asyncio


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most so long; whether it was. A cancellation always ends it.

    `asyncio.wait_for` takes no notice of one that comes in the moment in which the event is set (CPython's issue 86296,
    until 3.12), and whoever then waits for the task waits for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
