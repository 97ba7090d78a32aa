"""Waiting for an event: an end is never lost, however close to the event it comes."""

import asyncio

import pytest

from payrail.runtime.waking import woken_within
from waiting import LIMIT_S

pytestmark = pytest.mark.asyncio


async def test_it_says_whether_the_event_came_in_time() -> None:
    event = asyncio.Event()
    assert not await woken_within(event, 0.001)
    event.set()
    assert await woken_within(event, LIMIT_S)


@pytest.mark.parametrize("turns", range(5))
async def test_an_end_in_the_moment_of_the_event_ends_who_waits(turns: int) -> None:
    event = asyncio.Event()

    async def wait_for_ever() -> None:
        while True:
            await woken_within(event, LIMIT_S)
            event.clear()

    waiting = asyncio.create_task(wait_for_ever())
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    ended, _ = await asyncio.wait({waiting}, timeout=LIMIT_S)
    assert ended == {waiting}
