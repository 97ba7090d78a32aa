"""What tests of a merchant's webhooks ask of the stack: endpoints, what was delivered, and what nobody took."""

import asyncio
from collections.abc import Callable
from typing import Any

from desk import Desk

from stand_ins.webhook_receiver import Receiver
from waiting import LIMIT_S

ADMIN = {"user": "ada", "role": "admin"}
LIFE = ["payment.created", "payment.authorized", "payment.captured"]
EVERY_PAUSE_S = 200  # Longer than any pause between two tries, jitter included.


async def endpoint(desk: Desk, at: Receiver, **terms: Any) -> dict[str, Any]:
    made = await desk.post("/webhook-endpoints", {"url": at.url, **terms}, **ADMIN)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def move(desk: Desk, seconds: float = EVERY_PAUSE_S) -> None:
    """Move the clock; what falls due by that is sent when this returns."""
    assert (await desk.post("/clock", {"advance_s": seconds}, **ADMIN)).status_code == 200


async def letters(desk: Desk) -> list[dict[str, Any]]:
    return list((await desk.get("/dead-letters", params={"limit": 100}))["data"])


async def deliveries(desk: Desk, event_id: str) -> list[dict[str, Any]]:
    return list((await desk.get(f"/events/{event_id}/deliveries"))["data"])


async def seen(desk: Desk, path: str, holds: Callable[[Any], bool], **who: Any) -> None:
    """Return when the path shows what holds; the clock stands still meanwhile."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            if holds(await desk.get(path, **who)):
                return
            await asyncio.sleep(0.01)
