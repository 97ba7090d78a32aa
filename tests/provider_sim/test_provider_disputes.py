"""Disputes at a provider: opened on captured money, answered once, closed once, each idempotent by its reference."""

from typing import Any

from simulator_client import Simulator, att

DISPUTING = "4000000000000259"


async def captured(sim: Simulator, card: str = "4242424242424242") -> None:
    await sim.authorize(1, card=card, amount=1_000)
    status, _ = await sim.follow_up("capture", 2, 1, 1_000)
    assert status == 200


async def open_dispute(sim: Simulator, number: int = 3, amount: int = 600) -> tuple[int, dict[str, Any]]:
    body = {"reason": "product_not_received"}
    return await sim.follow_up("disputes", number, 1, amount, **body)


async def answer(sim: Simulator, step: str, number: int, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {"reference": att(number), **fields}
    return await sim.call("POST", f"/providers/providerA/disputes/{att(3)}/{step}", body)


async def test_dispute_is_opened_once_and_costs_a_fee(sim: Simulator) -> None:
    await captured(sim)
    status, opened = await open_dispute(sim)
    assert (status, opened["status"], opened["provider_status"]) == (200, "approved", "needs_response")
    assert opened["fee_amount"] == 1_500
    assert await open_dispute(sim) == (status, opened)
    assert await sim.inquire(3) == (status, opened)
    status, problem = await open_dispute(sim, amount=599)
    assert (status, problem["code"]) == (409, "reference_reused")


async def test_dispute_takes_no_more_than_is_left_and_leaves_no_more_to_refund(sim: Simulator) -> None:
    await captured(sim)
    await open_dispute(sim)
    assert (await open_dispute(sim, 4, 401))[0] == 422
    assert (await sim.follow_up("refund", 5, 1, 401))[0] == 422
    assert (await sim.follow_up("refund", 6, 1, 400))[0] == 200


async def test_dispute_of_what_is_not_captured_is_refused(sim: Simulator) -> None:
    await sim.authorize(1)
    status, problem = await open_dispute(sim)
    assert (status, problem["code"], problem["processed"]) == (409, "original_not_open", False)


async def test_evidence_is_taken_once_and_a_dispute_is_not_won_without_it(sim: Simulator) -> None:
    await captured(sim)
    await open_dispute(sim)
    assert (await answer(sim, "resolve", 4, outcome="WON"))[0] == 409
    given = await answer(sim, "evidence", 5, kind="receipt", text="signed")
    assert (given[0], given[1]["provider_status"]) == (200, "under_review")
    assert await answer(sim, "evidence", 5, kind="receipt", text="signed") == given
    assert (await answer(sim, "evidence", 6, kind="receipt", text="signed"))[0] == 409
    assert (await answer(sim, "resolve", 7, outcome="WON"))[0] == 200
    assert (await answer(sim, "resolve", 8, outcome="LOST"))[0] == 409
    assert (await sim.follow_up("refund", 9, 1, 1_000))[0] == 200  # What was won is there again.


async def test_a_lost_dispute_keeps_the_money(sim: Simulator) -> None:
    await captured(sim)
    await open_dispute(sim)
    assert (await answer(sim, "resolve", 4, outcome="LOST"))[0] == 200
    assert (await sim.follow_up("refund", 5, 1, 401))[0] == 422


async def test_an_unknown_dispute_cannot_be_answered(sim: Simulator) -> None:
    await captured(sim)
    status, problem = await answer(sim, "evidence", 5, kind="receipt", text="signed")
    assert (status, problem["code"]) == (404, "original_not_found")


async def test_holder_of_the_disputing_card_disputes_the_first_capture_once(sim: Simulator) -> None:
    await sim.authorize(1, card=DISPUTING, amount=1_000)
    await sim.follow_up("capture", 2, 1, 400)
    await sim.follow_up("capture", 2, 1, 400)
    await sim.follow_up("capture", 3, 1, 600)
    _, state = await sim.call("GET", "/providers/providerA/state")
    assert state["operations"]["dispute"] == 1
    assert (await sim.follow_up("refund", 4, 1, 601))[0] == 422
    assert (await sim.follow_up("refund", 4, 1, 600))[0] == 200
