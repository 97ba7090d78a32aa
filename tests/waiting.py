"""Waiting for what tells nobody that it happened. The limit keeps a test from hanging: it is no claim about speed."""

import asyncio
import threading
import time
from collections.abc import Callable

LIMIT_S = 60.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {LIMIT_S:.0f} s: {what}"
        threading.Event().wait(0.01)


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else on this event loop run until the condition holds; it is looked at after every turn."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)
