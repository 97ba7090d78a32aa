"""A clock that is moved far passes what falls due on its way in its time, as if it had run there."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, open_desk

from payrail.gateway.adapters.clock_control import ClockMover
from payrail.runtime import clock as runtime_clock
from payrail.runtime.clock import FrozenClock, SystemClock
from stand_ins.webhook_receiver import FAIL, HANG, receiver

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


async def test_a_receiver_that_hangs_keeps_no_refund_from_ending_on_its_own_day(tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    async with open_desk(tmp_path, clock, resolver_interval_s=3600, outbox_timeout_s=0.1) as desk:
        with receiver() as shop:
            shop.always = HANG
            await desk.post("/webhook-endpoints", {"url": shop.url}, **ADMIN)
            refund_id = await desk.refund(await desk.payment(card=REFUND_FAILS_LATE))
            await desk.approve(refund_id)
            await move(desk, {"advance_s": MONTH_S})
        refund = await desk.get(f"/refunds/{refund_id}")
        assert (refund["state"], refund["updated_at"][:10]) == ("FAILED", "2026-03-02")


async def test_no_other_process_works_by_the_old_time_once_the_clock_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks at the file every few milliseconds; one that looked right before the move would do nothing."""
    ours, theirs = SystemClock(tmp_path / "clock.json"), SystemClock(tmp_path / "clock.json")

    def replace_at_once(path: Path, content: list[bytes]) -> None:
        theirs.now()
        (path.parent / "next").write_bytes(b"".join(content))
        (path.parent / "next").rename(path)

    monkeypatch.setattr(runtime_clock, "replace_file", replace_at_once)
    for number in range(10):
        await ClockMover(ours, movable=True).advance(3600, mover=f"act_{number}", floor=None, stop_at=None)
        assert abs(theirs.now() - ours.now()) < timedelta(minutes=1)


async def test_moves_at_once_with_much_to_do_on_their_way_add_up(desk: Desk) -> None:
    for _ in range(4):
        await desk.approve(await desk.refund(await desk.payment(card=REFUND_FAILS_LATE), 100))
        await move(desk, {"advance_s": 10})
    await asyncio.gather(*(move(desk, {"advance_s": 50}) for _ in range(6)))
    assert (await desk.get("/clock"))["offset_s"] == 340
