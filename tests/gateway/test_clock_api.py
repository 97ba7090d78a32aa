"""The one clock, moved through the API: who may, how far, and that what falls due is done when it answers."""

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import Desk, open_desk

from payrail.runtime.clock import FrozenClock, SystemClock

WEEK_S = 7 * 24 * 3600


async def move(desk: Desk, body: dict[str, Any], **who: Any) -> httpx.Response:
    return await desk.post("/clock", body, **({"user": "ada", "role": "admin"} | who))


async def test_moving_the_clock_a_week_expires_authorizations_and_loses_disputes_before_it_answers(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, FrozenClock(), resolver_interval_s=3600) as desk:
        held, captured = await desk.payment(captured=0), await desk.payment()
        dispute_id = await desk.dispute(captured)
        moved = await move(desk, {"advance_s": WEEK_S})
        assert moved.json() == {"now": "2025-01-08T00:00:00.000Z", "offset_s": WEEK_S}
        assert (await desk.get(f"/payments/{held}"))["state"] == "EXPIRED"
        assert (await desk.get(f"/disputes/{dispute_id}"))["state"] == "LOST"
        assert await desk.get("/clock") == moved.json()


async def test_it_never_goes_behind_the_newest_ledger_entry(desk: Desk) -> None:
    await move(desk, {"advance_s": 100})
    await desk.payment()
    refused = await move(desk, {"advance_s": -1})
    assert (refused.status_code, refused.json()["code"]) == (409, "clock_behind_ledger")
    await move(desk, {"advance_s": 100})
    back = await move(desk, {"set": "2025-01-01T00:01:40Z"})
    assert (back.status_code, back.json()["offset_s"]) == (200, 100)


async def test_one_key_moves_it_once(desk: Desk) -> None:
    first, again = [await move(desk, {"advance_s": 60}, key="one") for _ in range(2)]
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert (await desk.get("/clock"))["offset_s"] == 60
    other = await move(desk, {"advance_s": 61}, key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    at_once = await asyncio.gather(*(move(desk, {"advance_s": 60}, key="two") for _ in range(10)))
    assert {answer.status_code for answer in at_once} <= {200, 409}
    assert (await desk.get("/clock"))["offset_s"] == 120


async def test_a_refused_move_keeps_no_key(desk: Desk) -> None:
    await desk.payment()
    assert (await move(desk, {"advance_s": -60}, key="k")).status_code == 409
    assert (await move(desk, {"advance_s": 60}, key="k")).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_failed"),
        ({"advance_s": 1, "set": "2025-01-01T00:00:00Z"}, "validation_failed"),
        ({"advance_s": 1.5}, "validation_failed"),
        ({"set": "tomorrow"}, "validation_failed"),
        ({"set": "2025-01-01T00:00:00"}, "validation_failed"),
        ({"set": "2016-12-31T23:59:60Z"}, "validation_failed"),
        ({"set": "1969-12-31T23:59:59Z"}, "clock_out_of_range"),
        ({"set": "9999-01-01T00:00:00Z"}, "clock_out_of_range"),
        ({"set": "9998-12-31T23:59:59+00:00"}, None),
    ],
)
async def test_what_is_no_move_is_refused(desk: Desk, body: dict[str, Any], code: str | None) -> None:
    answer = await move(desk, body)
    assert (answer.status_code, answer.json().get("code")) == ((422, code) if code else (200, None))


async def test_it_does_not_leave_the_calendar(desk: Desk) -> None:
    for _ in range(90):
        answer = await move(desk, {"advance_s": 3_155_760_000})
        if answer.status_code != 200:
            break
    assert (answer.status_code, answer.json()["code"]) == (422, "clock_out_of_range")


def test_a_move_that_is_made_again_after_a_crash_moves_nothing(tmp_path: Path) -> None:
    clock = SystemClock(tmp_path / "clock.json", wall_ns=lambda: 0)
    clock.advance(timedelta(days=1), mover="act_1")
    assert SystemClock(tmp_path / "clock.json", wall_ns=lambda: 0).advance(
        timedelta(days=1), mover="act_1"
    ) == (clock.now())
    assert clock.offset() == timedelta(days=1)
    clock.advance(timedelta(days=1), mover="act_2")
    assert clock.offset() == timedelta(days=2)


async def test_a_move_that_the_disk_refuses_is_unavailable_and_moves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(desk.clock, "advance", full)
        refused = await move(desk, {"advance_s": 60}, key="k")
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    assert (await move(desk, {"advance_s": 60}, key="k")).json()["offset_s"] == 60


def test_every_process_of_the_stack_goes_by_the_moved_clock(start_stack: Any) -> None:
    stack = start_stack("--no-console", "--workers", "2")
    admin = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
    with stack.client(stack.console_key) as client:
        moved = client.post("/clock", json={"set": "2031-01-01T00:00:00Z"}, headers=admin)
        assert moved.status_code == 200, moved.text
    for service in ("vault", "provider-sim", "ledger-jobs"):
        with stack.internal_client(service) as internal:
            assert internal.get("/health").json()["time"].startswith("2031-01-01T00:"), service
    for _ in range(8):  # A new connection may reach either worker.
        with stack.client() as client:
            assert client.get("/health").json()["time"].startswith("2031-01-01T00:")
    verified = stack.stop()
    assert verified == 0
