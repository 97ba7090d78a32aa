"""An authorization holds for seven days. Then what is left of it is released at its provider, once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from desk import Desk, open_desk
from shop import Shop

from payrail.ledger.transitions import InvalidTransition
from payrail.runtime.clock import FrozenClock

WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)


def expired(payment: dict[str, object]) -> bool:
    return payment["state"] in ("EXPIRED", "CAPTURED")


async def test_seven_days_after_its_authorization_a_payment_expires(desk: Desk) -> None:
    payment_id = await desk.payment(captured=0)
    desk.clock.advance(WEEK)
    payment = await desk.until(f"/payments/{payment_id}", expired)
    assert (payment["state"], payment["amount_captured"]) == ("EXPIRED", 0)
    last = payment["attempts"][-1]
    assert (last["operation"], last["provider"], last["outcome"]) == ("expiry", "providerA", "approved")
    assert (await desk.operations())["reverse"] == 1
    entries = (await desk.get(f"/payments/{payment_id}/ledger"))["data"]
    assert [entry["type"] for entry in entries[-2:]] == ["payment.expiry_started", "payment.expired"]
    assert entries[-1]["actor"] == {"id": "resolver", "role": "system"}
    assert (await desk.accounts(payment_id)) == {}


async def test_of_a_partly_captured_payment_only_the_rest_expires(desk: Desk) -> None:
    payment_id = await desk.payment(10_000, captured=4_000)
    desk.clock.advance(WEEK)
    payment = await desk.until(f"/payments/{payment_id}", expired)
    assert (payment["state"], payment["amount_captured"], payment["amount_refundable"]) == (
        "CAPTURED",
        4_000,
        4_000,
    )


async def test_an_expiry_comes_due_while_nothing_ran(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with open_desk(tmp_path, clock) as desk:
        payment_id = await desk.payment(captured=0)
    clock.advance(WEEK)
    async with open_desk(tmp_path, clock) as desk:
        assert (await desk.until(f"/payments/{payment_id}", expired))["state"] == "EXPIRED"


@pytest.mark.parametrize("operation", ["capture", "cancel"])
async def test_what_has_expired_is_refused_naming_the_state_even_before_it_is_written(
    shop: Shop, operation: str
) -> None:
    payment_id = await shop.authorized_payment()
    shop.clock.advance(WEEK)
    for state in ("AUTHORIZED", "EXPIRED"):
        assert shop.payment(payment_id).state == state
        with pytest.raises(InvalidTransition) as refused:
            await (shop.capture(payment_id) if operation == "capture" else shop.cancel(payment_id))
        assert refused.value.current == "EXPIRED"
        await shop.resolve()


async def test_a_moment_before_its_time_the_hold_stands(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.clock.advance(WEEK - MOMENT)
    await shop.resolver.look()
    assert (await shop.capture(payment_id)).body["state"] == "CAPTURED"
    shop.clock.advance(WEEK)
    await shop.resolver.look()
    assert shop.payment(payment_id).state == "CAPTURED"
    assert shop.providers.called("reverse") == []


async def test_two_processes_and_a_late_capture_release_a_hold_once(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.clock.advance(WEEK)
    await asyncio.gather(
        shop.resolver.look(),
        shop.successor().resolver.look(),
        shop.capture(payment_id),
        return_exceptions=True,
    )
    await shop.resolve()
    assert shop.payment(payment_id).state == "EXPIRED"
    assert len(shop.providers.called("reverse")) == 1
    assert shop.providers.live_holds(payment_id) == []
    shop.require_sound_books()


async def test_a_capture_begun_in_time_is_finished_before_the_rest_expires(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "lost_after")
    shop.providers.script("inquire", "lost_before")
    assert (await shop.capture(payment_id, 300)).status == 202
    shop.clock.advance(WEEK)
    await shop.resolve()
    await shop.resolve()
    assert (shop.payment(payment_id).state, shop.payment(payment_id).amount_captured) == ("CAPTURED", 300)
    assert [attempt[0] for attempt in shop.outcomes(payment_id)] == ["authorize", "capture", "expiry"]
    shop.require_sound_books()


@pytest.mark.parametrize("wire", ["lost_before", "lost_after", "not_processed"])
async def test_a_release_whose_answer_is_missing_is_made_sure_of(shop: Shop, wire: str) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("reverse", wire)  # type: ignore[arg-type]
    shop.providers.script("inquire", "lost_before")
    shop.clock.advance(WEEK)
    for _ in range(3):
        await shop.resolve()
    assert shop.payment(payment_id).state == "EXPIRED"
    assert shop.providers.live_holds(payment_id) == []
    shop.require_sound_books()


async def test_a_provider_that_refuses_is_asked_again_at_growing_intervals(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.reverse_fate = "processing_error"
    shop.clock.advance(WEEK)
    for _ in range(5):
        await shop.resolver.look()
    assert len(shop.providers.called("reverse")) == 1
    assert shop.payment(payment_id).state == "AUTHORIZED"
    shop.providers.reverse_fate = "approved"
    await shop.resolve()
    assert shop.payment(payment_id).state == "EXPIRED"
