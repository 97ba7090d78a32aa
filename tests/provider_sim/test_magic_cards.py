"""PayRail's own cards: answers that are lost or late, and refunds that change their mind."""

import asyncio
from datetime import timedelta

from simulator_client import Simulator

from payrail.provider_sim.magic_cards import LATE_APPROVAL_S, MAGIC_CARDS, REFUND_SETTLES_S, Behaviour
from payrail.runtime.clock import FrozenClock

CARD_OF = {magic.behaviour: number for number, magic in MAGIC_CARDS.items()}


async def test_card_whose_approval_is_lost_is_found_by_inquiry(sim: Simulator) -> None:
    call = asyncio.ensure_future(sim.authorize(1, card=CARD_OF[Behaviour.ANSWER_LOST]))
    await sim.until_silent()
    assert (await sim.inquire(1))[1]["status"] == "approved"
    assert (await sim.authorize(1, card=CARD_OF[Behaviour.ANSWER_LOST]))[1]["status"] == "approved"
    assert (await sim.follow_up("capture", 2, 1, 1000))[1]["status"] == "approved"
    sim.silence.end()
    assert (await call)[0] == 503


async def test_card_lost_before_processing_is_taken_by_the_next_provider(sim: Simulator) -> None:
    card = CARD_OF[Behaviour.LOST_BEFORE_PROCESSING]
    call = asyncio.ensure_future(sim.authorize(1, card=card))
    await sim.until_silent()
    assert (await sim.inquire(1))[0] == 404
    assert (await sim.follow_up("reverse", 2, 1))[1]["status"] == "approved"
    assert (await sim.authorize(3, provider="providerB", card=card, attempt=2))[1]["status"] == "approved"
    sim.silence.end()
    assert (await call)[0] == 503
    assert (await sim.inquire(1))[1]["status"] == "reversed"


async def test_card_with_late_approval_is_found_once_it_is_due(sim: Simulator, clock: FrozenClock) -> None:
    card = CARD_OF[Behaviour.LATE_APPROVAL]
    calls = [asyncio.ensure_future(sim.authorize(1, card=card)) for _ in range(2)]
    await sim.until_silent(2)
    clock.advance(timedelta(seconds=LATE_APPROVAL_S - 1))
    assert (await sim.inquire(1))[0] == 404
    clock.advance(timedelta(seconds=1))
    assert (await sim.inquire(1))[1]["status"] == "approved"
    assert (await sim.authorize(1, card=card))[1]["status"] == "approved"
    assert (await sim.follow_up("capture", 2, 1, 1000))[1]["status"] == "approved"
    sim.silence.end()
    assert [status for status, _ in await asyncio.gather(*calls)] == [503, 503]


async def test_a_late_approval_reversed_in_time_never_comes(sim: Simulator, clock: FrozenClock) -> None:
    card = CARD_OF[Behaviour.LATE_APPROVAL]
    call = asyncio.ensure_future(sim.authorize(1, card=card))
    await sim.until_silent()
    assert (await sim.follow_up("reverse", 2, 1))[1]["status"] == "approved"
    clock.advance(timedelta(seconds=LATE_APPROVAL_S))
    assert (await sim.inquire(1))[1]["status"] == "reversed"
    assert (await sim.authorize(1, card=card))[1]["status"] == "reversed"
    sim.silence.end()
    await call


async def test_cards_whose_refunds_change_their_mind(sim: Simulator, clock: FrozenClock) -> None:
    for number, behaviour in (
        (1, Behaviour.REFUND_PENDING_THEN_SUCCEEDS),
        (2, Behaviour.REFUND_SUCCEEDS_THEN_FAILS),
    ):
        await sim.authorize(number, card=CARD_OF[behaviour])
        await sim.follow_up("capture", 10 + number, number, 1000)
    _, pending = await sim.follow_up("refund", 21, 1, 1000)
    _, succeeded = await sim.follow_up("refund", 22, 2, 1000)
    assert (pending["status"], succeeded["status"]) == ("pending", "approved")
    clock.advance(timedelta(seconds=REFUND_SETTLES_S))
    assert (await sim.inquire(21))[1]["status"] == "approved"
    assert (await sim.inquire(22))[1]["status"] == "failed"
