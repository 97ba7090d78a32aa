"""Disputes through the API, against the simulated providers: what is booked when, and what else it stops."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, open_desk
from test_refund_races import require_verified

from payrail.runtime.clock import FrozenClock

FEE = 1_500
PROVIDER_FEE = 1_500


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    names = before.keys() | after.keys()
    return {name: d for name in names if (d := after.get(name, 0) - before.get(name, 0))}


OPENED = {
    "merchant_available:m_demo": 6_000 + FEE,
    "provider_receivable:providerA": -6_000 - PROVIDER_FEE,
    "chargeback_fee_revenue": -FEE,
    "chargeback_cost": PROVIDER_FEE,
}
FEES_ONLY = {
    "merchant_available:m_demo": FEE,
    "provider_receivable:providerA": -PROVIDER_FEE,
    "chargeback_fee_revenue": -FEE,
    "chargeback_cost": PROVIDER_FEE,
}


async def test_money_and_fee_leave_at_opening_and_a_win_brings_back_the_money(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    before = await desk.accounts(payment_id)
    dispute_id = await desk.dispute(payment_id, 6_000)
    shown = await desk.get(f"/disputes/{dispute_id}")
    assert (shown["state"], shown["fee_amount"], shown["opened_by"]) == ("NEEDS_RESPONSE", FEE, "olga")
    assert shown["provider_reference"].startswith("dp_")
    assert difference(before, await desk.accounts(payment_id)) == OPENED
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 4_000

    answered = await desk.evidence(dispute_id)
    assert (answered.status_code, answered.json()["state"]) == (200, "UNDER_REVIEW")
    assert [item["text"] for item in answered.json()["evidence"]] == ["signed for"]
    won = await desk.resolve(dispute_id, "WON")
    assert (won.status_code, won.json()["state"]) == (200, "WON")
    assert difference(before, await desk.accounts(payment_id)) == FEES_ONLY
    payment = await desk.get(f"/payments/{payment_id}")
    assert (payment["state"], payment["amount_refundable"]) == ("CAPTURED", 10_000)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_lost_dispute_keeps_the_money_and_it_cannot_be_refunded(desk: Desk, answered: bool) -> None:
    payment_id = await desk.payment(10_000)
    before = await desk.accounts(payment_id)
    dispute_id = await desk.dispute(payment_id, 6_000)
    if answered:
        await desk.evidence(dispute_id)
    lost = await desk.resolve(dispute_id, "LOST")
    assert (lost.status_code, lost.json()["state"]) == (200, "LOST")
    assert difference(before, await desk.accounts(payment_id)) == OPENED
    refused = await desk.post("/refunds", {"payment_id": payment_id, "amount": 4_001, "reason": "x"})
    assert refused.json()["code"] == "amount_exceeds_refundable"
    assert (await desk.approve(await desk.refund(payment_id, 4_000))).json()["state"] == "SUCCEEDED"


async def test_an_open_dispute_stops_the_execution_of_refunds_until_it_ends(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    refund_id = await desk.refund(payment_id, 1_000)
    dispute_id = await desk.dispute(payment_id, 6_000)
    refused = await desk.approve(refund_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "dispute_open")
    await desk.evidence(dispute_id)
    assert (await desk.approve(refund_id)).json()["code"] == "dispute_open"
    await desk.resolve(dispute_id, "WON")
    assert (await desk.approve(refund_id)).json()["state"] == "SUCCEEDED"


async def test_dispute_without_an_amount_takes_all_that_is_refundable(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    await desk.approve(await desk.refund(payment_id, 2_500))
    dispute_id = await desk.dispute(payment_id)
    assert (await desk.get(f"/disputes/{dispute_id}"))["amount"] == 7_500
    more = await desk.post("/disputes", {"payment_id": payment_id, "amount": 1, "reason": "fraudulent"})
    assert (more.status_code, more.json()["code"]) == (422, "amount_exceeds_refundable")


async def test_what_is_not_captured_cannot_be_disputed(desk: Desk) -> None:
    body = {"payment_id": await desk.payment(captured=0), "reason": "fraudulent"}
    refused = await desk.post("/disputes", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert "state AUTHORIZED" in refused.json()["detail"]


async def test_illegal_steps_name_both_states(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    dispute_id = await desk.dispute(payment_id, 1_000)
    early = await desk.resolve(dispute_id, "WON")
    assert early.status_code == 409
    assert "in state NEEDS_RESPONSE cannot become WON" in early.json()["detail"]
    await desk.evidence(dispute_id)
    assert (
        "in state UNDER_REVIEW cannot become UNDER_REVIEW"
        in (await desk.evidence(dispute_id)).json()["detail"]
    )
    await desk.resolve(dispute_id, "WON")
    again = await desk.resolve(dispute_id, "LOST")
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
    assert "in state WON cannot become LOST" in again.json()["detail"]


async def test_unanswered_dispute_is_lost_when_its_deadline_has_passed(desk: Desk) -> None:
    dispute_id = await desk.dispute(await desk.payment(10_000), 6_000)
    desk.clock.advance(timedelta(days=6, hours=23))
    assert (await desk.get(f"/disputes/{dispute_id}"))["state"] == "NEEDS_RESPONSE"
    desk.clock.advance(timedelta(hours=1))
    lost = await desk.until(f"/disputes/{dispute_id}", lambda shown: shown["state"] == "LOST")
    assert [attempt["operation"] for attempt in lost["attempts"]] == ["dispute", "resolution"]


async def test_dispute_under_review_outlives_the_deadline(desk: Desk) -> None:
    overdue = await desk.dispute(await desk.payment(), 1_000)
    answered = await desk.dispute(await desk.payment(), 1_000)
    await desk.evidence(answered)
    desk.clock.advance(timedelta(days=8))
    await desk.until(f"/disputes/{overdue}", lambda shown: shown["state"] == "LOST")
    assert (await desk.get(f"/disputes/{answered}"))["state"] == "UNDER_REVIEW"


async def test_deadline_refuses_evidence_that_comes_too_late(desk: Desk) -> None:
    dispute_id = await desk.dispute(await desk.payment(), 1_000)
    await desk.inject(mode="error", rate=1)  # The provider is down, so that the loss cannot be confirmed yet.
    desk.clock.advance(timedelta(days=7))
    await desk.until(f"/disputes/{dispute_id}", lambda shown: len(shown["attempts"]) > 1)
    shown = await desk.until(
        f"/disputes/{dispute_id}", lambda shown: shown["attempts"][-1]["outcome"] == "not_processed"
    )
    assert shown["state"] == "NEEDS_RESPONSE"
    late = await desk.evidence(dispute_id)
    assert (late.status_code, late.json()["code"]) == (409, "deadline_passed")
    await desk.clear_failures()
    desk.clock.advance(timedelta(hours=1))
    await desk.until(f"/disputes/{dispute_id}", lambda shown: shown["state"] == "LOST")


async def test_repeated_requests_get_the_first_answer_and_do_nothing_twice(desk: Desk) -> None:
    payment_id = await desk.payment()
    body = {"payment_id": payment_id, "amount": 100, "reason": "fraudulent"}
    opened = await desk.post("/disputes", body, key="open")
    dispute_id = opened.json()["id"]
    answered = await desk.evidence(dispute_id, key="answer")
    resolved = await desk.resolve(dispute_id, "WON", key="resolve")
    for again, first in [
        (await desk.post("/disputes", body, key="open"), opened),
        (await desk.evidence(dispute_id, key="answer"), answered),
        (await desk.resolve(dispute_id, "WON", key="resolve"), resolved),
    ]:
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
    operations = await desk.operations()
    assert [operations[name] for name in ("dispute", "dispute_evidence", "dispute_resolve")] == [1, 1, 1]


async def test_surely_not_processed_opening_books_nothing_and_can_be_tried_again(desk: Desk) -> None:
    payment_id = await desk.payment()
    before = await desk.accounts(payment_id)
    body = {"payment_id": payment_id, "amount": 100, "reason": "fraudulent"}
    await desk.inject(mode="error", rate=1, remaining=1)
    refused = await desk.post("/disputes", body, key="open")
    assert (refused.status_code, refused.json()["code"]) == (503, "not_processed")
    assert await desk.accounts(payment_id) == before
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 10_000
    opened = await desk.post("/disputes", body, key="open")
    assert (opened.status_code, opened.json()["state"]) == (201, "NEEDS_RESPONSE")
    states = [shown["state"] for shown in (await desk.get("/disputes"))["data"]]
    assert states == ["NEEDS_RESPONSE", "NOT_OPENED"]


@pytest.mark.parametrize("step", ["open", "evidence", "resolve"])
async def test_lost_answer_of_any_step_is_found_by_inquiry_and_the_step_is_done_once(
    desk: Desk, step: str
) -> None:
    payment_id = await desk.payment()
    body = {"payment_id": payment_id, "amount": 100, "reason": "fraudulent"}

    async def losing(wanted: str) -> None:
        if step == wanted:
            await desk.inject(mode="lost_response", rate=1, remaining=1)

    await losing("open")
    dispute_id = (await desk.post("/disputes", body)).json()["id"]
    await losing("evidence")
    assert (await desk.evidence(dispute_id)).json()["state"] == "UNDER_REVIEW"
    await losing("resolve")
    assert (await desk.resolve(dispute_id, "WON")).json()["state"] == "WON"
    operations = await desk.operations()
    assert [operations[name] for name in ("dispute", "dispute_evidence", "dispute_resolve")] == [1, 1, 1]


async def test_unknown_opening_holds_the_money_and_is_sent_again_under_the_same_reference(desk: Desk) -> None:
    payment_id = await desk.payment()
    body = {"payment_id": payment_id, "amount": 6_000, "reason": "fraudulent"}
    await desk.inject(mode="timeout", rate=1)
    unknown = await desk.post("/disputes", body, key="open")
    assert (unknown.status_code, unknown.json()["state"]) == (202, "OPENING")
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 4_000
    await desk.clear_failures()
    desk.clock.advance(timedelta(minutes=10))
    path = f"/disputes/{unknown.json()['id']}"
    opened = await desk.until(path, lambda shown: shown["state"] == "NEEDS_RESPONSE")
    assert len(opened["attempts"]) == 1
    known = await desk.post("/disputes", body, key="open")
    assert (known.status_code, known.json()["id"]) == (201, opened["id"])
    assert (await desk.operations())["dispute"] == 1


async def test_provider_that_says_no_leaves_everything_as_it_was(desk: Desk) -> None:
    payment_id = await desk.payment()
    before = await desk.accounts(payment_id)
    body = {"payment_id": payment_id, "amount": 100, "reason": "fraudulent"}
    await desk.inject(mode="decline", rate=1, remaining=1)
    refused = await desk.post("/disputes", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "dispute_declined")
    assert await desk.accounts(payment_id) == before
    dispute_id = await desk.dispute(payment_id, 100)
    await desk.inject(mode="decline", rate=1, remaining=1)
    refused = await desk.evidence(dispute_id)
    assert (refused.status_code, refused.json()["code"]) == (422, "evidence_declined")
    shown = await desk.get(f"/disputes/{dispute_id}")
    assert (shown["state"], shown["evidence"]) == ("NEEDS_RESPONSE", [])
    assert shown["decline"]["code"] == "generic_decline"


async def test_books_of_refunds_and_disputes_stand_the_proof_and_a_restart(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_desk(tmp_path / "data", clock) as desk:
        payment_id = await desk.payment()
        await desk.approve(await desk.refund(payment_id, 2_000))
        dispute_id = await desk.dispute(payment_id, 3_000)
        await desk.evidence(dispute_id)
        await desk.resolve(dispute_id, "WON")
        await desk.inject(mode="decline", rate=1, remaining=1)
        await desk.post("/disputes", {"payment_id": payment_id, "reason": "fraudulent"})
        await desk.dispute(payment_id, 1_000)
        await desk.refund(payment_id, 1_000)
        paths = (f"/payments/{payment_id}", "/refunds", "/disputes")
        before = [await desk.get(path) for path in paths]
    async with open_desk(tmp_path / "data", clock) as desk:
        assert [await desk.get(path) for path in paths] == before
    require_verified(tmp_path / "data")


async def test_another_merchant_learns_nothing(desk: Desk) -> None:
    payment_id = await desk.payment()
    dispute_id = await desk.dispute(payment_id, 100)
    theirs: dict[str, Any] = {"merchant": "m_acme", "user": "eve", "role": "admin"}
    assert (await desk.call("GET", f"/disputes/{dispute_id}", **theirs)).status_code == 404
    assert (await desk.evidence(dispute_id, **theirs)).status_code == 404
    assert (await desk.resolve(dispute_id, "LOST", **theirs)).status_code == 404
    body = {"payment_id": payment_id, "reason": "fraudulent"}
    assert (await desk.post("/disputes", body, **theirs)).status_code == 404
    assert (await desk.get("/disputes", **theirs))["data"] == []


@pytest.mark.parametrize("path", ["/disputes", "/disputes/{}/evidence", "/disputes/{}/resolve"])
async def test_viewers_only_look(desk: Desk, path: str) -> None:
    dispute_id = await desk.dispute(await desk.payment(), 100)
    assert (await desk.post(path.format(dispute_id), {}, role="viewer", user="vera")).status_code == 403
    shown = await desk.get(f"/disputes/{dispute_id}", role="viewer", user="vera")
    assert shown["state"] == "NEEDS_RESPONSE"
