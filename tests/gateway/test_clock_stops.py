"""A clock that is moved far passes what falls due on its way in its time, as if it had run there."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from desk import Desk, open_desk

from payrail.gateway.adapters.clock_control import ClockMover
from payrail.gateway.flows.due_work import DueWork
from payrail.gateway.flows.move_clock import go_to
from payrail.runtime.clock import FrozenClock
from stand_ins.webhook_receiver import FAIL, receiver

ADMIN = {"user": "ada", "role": "admin"}
REFUND_IS_PENDING, REFUND_FAILS_LATE = "4000000000007726", "4000000000005126"
MONTH_S = 31 * 24 * 3600


async def move(desk: Desk, body: dict[str, Any]) -> dict[str, Any]:
    moved = await desk.post("/clock", body, **ADMIN)
    assert moved.status_code == 200, moved.text
    return dict(moved.json())


@pytest.mark.parametrize("second", [0, 58])
@pytest.mark.parametrize(
    ("card", "becomes"), [(REFUND_IS_PENDING, "SUCCEEDED"), (REFUND_FAILS_LATE, "FAILED")]
)
async def test_a_refund_ends_on_its_own_day_however_far_the_clock_is_moved(
    tmp_path: Path, card: str, becomes: str, second: int
) -> None:
    """The provider's file has it on that day, too: nothing is a break that nobody planted."""
    clock = FrozenClock(datetime(2026, 3, 2, 23, 58, second, tzinfo=UTC))
    async with open_desk(tmp_path, clock, resolver_interval_s=3600) as desk:
        refund_id = await desk.refund(await desk.payment(card=card))
        await desk.approve(refund_id)
        moved = await move(desk, {"advance_s": MONTH_S})
        assert moved["offset_s"] == MONTH_S
        refund = await desk.get(f"/refunds/{refund_id}")
        assert (refund["state"], refund["updated_at"][:10]) == (becomes, "2026-03-02")
        reports = (await desk.get("/reconciliation", **ADMIN))["data"]
        assert [(report["date"], report["matched"], report["open_breaks"]) for report in reports] == [
            ("2026-03-02", 3 if becomes == "FAILED" else 2, 0)
        ]


async def test_a_webhook_that_nobody_takes_is_tried_four_times_and_given_up_within_one_move(
    desk: Desk,
) -> None:
    with receiver() as shop:
        shop.always = FAIL
        await desk.post("/webhook-endpoints", {"url": shop.url}, **ADMIN)
        await desk.payment(captured=0)
        await move(desk, {"advance_s": 24 * 3600})
        letters = (await desk.get("/dead-letters"))["data"]
        assert [(letter["event_type"], letter["attempts"]) for letter in reversed(letters)] == [
            ("payment.created", 4), ("payment.authorized", 4)
        ]  # fmt: skip
        assert all(letter["dead_at"] < "2025-01-01T00:10" for letter in letters)


async def test_a_move_does_not_stand_still_for_what_stays_due() -> None:
    clock, runs = FrozenClock(), []
    stuck = clock.now() + timedelta(hours=1)

    async def stay_due() -> datetime:
        runs.append(clock.now())
        return stuck

    due = DueWork()
    due.add(stay_due)
    journal = SimpleNamespace(
        catch_up=AsyncMock(), state=SimpleNamespace(timeline=SimpleNamespace(newest_at=None))
    )
    gateway: Any = SimpleNamespace(
        journal=journal, clock=clock, clock_control=ClockMover(clock, movable=True), due=due
    )
    await go_to(gateway, "act_1", 24 * 3600, None)
    assert runs == [
        stuck - timedelta(hours=1), stuck + timedelta(seconds=5), stuck + timedelta(hours=23)
    ]  # fmt: skip


async def test_moves_at_once_with_much_to_do_on_their_way_add_up(desk: Desk) -> None:
    for _ in range(4):
        await desk.approve(await desk.refund(await desk.payment(card=REFUND_FAILS_LATE), 100))
        await move(desk, {"advance_s": 10})
    await asyncio.gather(*(move(desk, {"advance_s": 50}) for _ in range(6)))
    assert (await desk.get("/clock"))["offset_s"] == 340
