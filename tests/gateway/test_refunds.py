"""Refunds through the API, against the simulated providers: who may do what, what is reserved, what is answered."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, open_desk

from payrail.runtime.clock import FrozenClock

PENDING_THEN_SUCCEEDS = "4000000000007726"


async def test_refund_is_requested_by_one_user_and_executed_by_another(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    before = await desk.accounts(payment_id)
    refund_id = await desk.refund(payment_id, 4_000)
    shown = await desk.get(f"/payments/{payment_id}")
    assert (shown["state"], shown["amount_refunded"], shown["amount_refundable"]) == ("CAPTURED", 0, 6_000)
    assert await desk.accounts(payment_id) == before  # A reservation posts nothing.

    approved = await desk.approve(refund_id)
    assert approved.status_code == 200
    refund = approved.json()
    assert refund["state"] == "SUCCEEDED"
    assert (refund["requested_by"], refund["decided_by"]) == ("olga", "anna")
    assert refund["provider_reference"]
    assert [attempt["outcome"] for attempt in refund["attempts"]] == ["approved"]
    assert await desk.get(f"/refunds/{refund_id}") == refund

    after = await desk.accounts(payment_id)
    moved = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert moved == {"merchant_available:m_demo": 4_000, "provider_receivable:providerA": -4_000}
    shown = await desk.get(f"/payments/{payment_id}")
    assert (shown["state"], shown["amount_refunded"], shown["amount_refundable"]) == (
        "PARTIALLY_REFUNDED", 4_000, 6_000,
    )  # fmt: skip


async def test_without_an_amount_all_that_is_left_is_refunded(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    await desk.approve(await desk.refund(payment_id, 2_500))
    refund_id = await desk.refund(payment_id)
    assert (await desk.approve(refund_id)).json()["amount"] == 7_500
    shown = await desk.get(f"/payments/{payment_id}")
    assert (shown["state"], shown["amount_refunded"], shown["amount_refundable"]) == ("REFUNDED", 10_000, 0)
    nothing_left = await desk.post("/refunds", {"payment_id": payment_id, "reason": "again"})
    assert (nothing_left.status_code, nothing_left.json()["code"]) == (422, "amount_exceeds_refundable")


async def test_reserved_money_cannot_be_requested_again_until_the_refund_is_rejected(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    refund_id = await desk.refund(payment_id, 7_000)
    too_much = {"payment_id": payment_id, "amount": 3_001, "reason": "x"}
    refused = await desk.post("/refunds", too_much)
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_exceeds_refundable")
    rejected = await desk.reject(refund_id)
    assert (rejected.status_code, rejected.json()["state"]) == (200, "REJECTED")
    assert (await desk.post("/refunds", too_much)).status_code == 201
    assert (await desk.operations())["refund"] == 0


@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize("who", [{"user": "olga", "role": "approver"}, {"user": "olga", "role": "admin"},
                                 {"user": "otto", "role": "operator"}, {"user": "vera", "role": "viewer"}])  # fmt: skip
async def test_nobody_decides_alone_or_without_the_role(
    desk: Desk, decision: str, who: dict[str, str]
) -> None:
    refund_id = await desk.refund(await desk.payment(), 1_000)
    refused = await desk.post(f"/refunds/{refund_id}/{decision}", **who)
    assert (refused.status_code, refused.json()["code"]) == (403, "maker_checker_violation")
    assert (await desk.get(f"/refunds/{refund_id}"))["state"] == "PENDING_APPROVAL"


async def test_what_is_not_captured_cannot_be_refunded(desk: Desk) -> None:
    payment_id = await desk.payment(captured=0)
    refused = await desk.post("/refunds", {"payment_id": payment_id, "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert refused.json()["detail"] == "A payment in state AUTHORIZED cannot become REFUNDED."


async def test_a_decided_refund_cannot_be_decided_again(desk: Desk) -> None:
    payment_id = await desk.payment()
    succeeded, rejected = await desk.refund(payment_id, 100), await desk.refund(payment_id, 100)
    await desk.approve(succeeded)
    await desk.reject(rejected)
    for refund_id, decide, words in [
        (succeeded, desk.approve, "in state SUCCEEDED cannot become APPROVED"),
        (succeeded, desk.reject, "in state SUCCEEDED cannot become REJECTED"),
        (rejected, desk.approve, "in state REJECTED cannot become APPROVED"),
    ]:
        refused = await decide(refund_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
        assert words in refused.json()["detail"]


async def test_another_merchant_learns_nothing(desk: Desk) -> None:
    payment_id = await desk.payment()
    refund_id = await desk.refund(payment_id, 100)
    theirs = {"merchant": "m_acme", "user": "eve", "role": "admin"}
    assert (await desk.call("GET", f"/refunds/{refund_id}", **theirs)).status_code == 404
    assert (await desk.approve(refund_id, **theirs)).status_code == 404
    assert (await desk.reject(refund_id, **theirs)).status_code == 404
    body = {"payment_id": payment_id, "reason": "x"}
    assert (await desk.post("/refunds", body, **theirs)).status_code == 404
    assert (await desk.get("/refunds", **theirs))["data"] == []
    assert (await desk.get("/refunds", params={"payment_id": payment_id}, **theirs))["data"] == []


async def test_list_is_filtered_and_pages_from_the_newest(desk: Desk) -> None:
    one, other = await desk.payment(), await desk.payment()
    made = [await desk.refund(one, 100) for _ in range(3)] + [await desk.refund(other, 100)]
    await desk.reject(made[1])
    page = await desk.get("/refunds", params={"limit": 3})
    assert [refund["id"] for refund in page["data"]] == made[:0:-1]
    await desk.refund(other, 100)
    rest = await desk.get("/refunds", params={"limit": 3, "cursor": page["next_cursor"]})
    assert [refund["id"] for refund in rest["data"]] == made[:1]
    assert rest["next_cursor"] is None
    filtered = await desk.get("/refunds", params={"payment_id": one, "state": "PENDING_APPROVAL"})
    assert [refund["id"] for refund in filtered["data"]] == [made[2], made[0]]


async def test_repeated_requests_get_the_first_answer_and_do_nothing_twice(desk: Desk) -> None:
    payment_id = await desk.payment()
    body = {"payment_id": payment_id, "amount": 4_000, "reason": "x"}
    first = await desk.post("/refunds", body, key="request")
    refund_id = first.json()["id"]
    approved = await desk.approve(refund_id, key="approve")
    await desk.approve(await desk.refund(payment_id, 1_000))

    again = await desk.post("/refunds", body, key="request")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    repeated = await desk.approve(refund_id, key="approve")
    assert (repeated.status_code, repeated.content) == (200, approved.content)
    assert (await desk.operations())["refund"] == 2
    other = await desk.post("/refunds", body | {"amount": 1}, key="request")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_replay_of_a_capture_shows_the_payment_before_its_refunds(desk: Desk) -> None:
    payment_id = await desk.payment(captured=0)
    await desk.post(f"/payments/{payment_id}/capture", {"amount": 6_000}, key="first")
    await desk.approve(await desk.refund(payment_id, 1_000))
    second = await desk.post(f"/payments/{payment_id}/capture", {"amount": 4_000}, key="second")
    assert second.json()["state"] == "PARTIALLY_REFUNDED"
    await desk.approve(await desk.refund(payment_id, 2_000))
    again = await desk.post(f"/payments/{payment_id}/capture", {"amount": 4_000}, key="second")
    assert again.content == second.content
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_surely_not_processed_stays_approved_and_can_be_approved_again(desk: Desk) -> None:
    payment_id = await desk.payment()
    before = await desk.accounts(payment_id)
    refund_id = await desk.refund(payment_id, 4_000)
    await desk.inject(mode="error", rate=1, operation="refund", remaining=1)
    refused = await desk.approve(refund_id, key="approve")
    assert (refused.status_code, refused.json()["code"]) == (503, "not_processed")
    assert (await desk.get(f"/refunds/{refund_id}"))["state"] == "APPROVED"
    after = await desk.accounts(payment_id)
    assert {name: sum_ for name, sum_ in after.items() if sum_ != before.get(name, 0)} == {}
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 6_000

    succeeded = await desk.approve(refund_id, key="approve")
    assert succeeded.json()["state"] == "SUCCEEDED"
    outcomes = [attempt["outcome"] for attempt in succeeded.json()["attempts"]]
    assert outcomes == ["not_processed", "approved"]
    assert (await desk.operations())["refund"] == 1


async def test_declined_refund_gives_the_amount_free(desk: Desk) -> None:
    payment_id = await desk.payment()
    before = await desk.accounts(payment_id)
    refund_id = await desk.refund(payment_id, 4_000)
    await desk.inject(mode="decline", rate=1, operation="refund", remaining=1)
    failed = await desk.approve(refund_id)
    assert (failed.status_code, failed.json()["state"]) == (200, "FAILED")
    assert failed.json()["failure"]["code"] == "generic_decline"
    shown = await desk.get(f"/payments/{payment_id}")
    assert (shown["state"], shown["amount_refundable"]) == ("CAPTURED", 10_000)
    after = await desk.accounts(payment_id)
    assert {name: sum_ for name, sum_ in after.items() if sum_ != before.get(name, 0)} == {}


async def test_lost_answer_is_found_by_inquiry_and_refunds_once(desk: Desk) -> None:
    payment_id = await desk.payment()
    refund_id = await desk.refund(payment_id, 4_000)
    await desk.inject(mode="lost_response", rate=1, operation="refund", remaining=1)
    answer = await desk.approve(refund_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "SUCCEEDED")
    assert (await desk.operations())["refund"] == 1


async def test_unknown_refund_keeps_its_amount_and_is_sent_again_under_the_same_reference(desk: Desk) -> None:
    payment_id = await desk.payment()
    refund_id = await desk.refund(payment_id, 4_000)
    await desk.inject(mode="timeout", rate=1, operation="refund")
    await desk.inject(mode="error", rate=1, operation="inquiry")
    unknown = await desk.approve(refund_id, key="approve")
    assert (unknown.status_code, unknown.json()["state"]) == (202, "PROCESSING")
    assert unknown.json()["attempts"][0]["outcome"] == "unknown"
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 6_000
    second = await desk.approve(refund_id, user="adam")
    assert (second.status_code, second.json()["code"]) == (409, "operation_in_progress")

    await desk.clear_failures()
    desk.clock.advance(timedelta(minutes=10))
    refund = await desk.until(f"/refunds/{refund_id}", lambda shown: shown["state"] == "SUCCEEDED")
    assert len(refund["attempts"]) == 1
    assert (await desk.operations())["refund"] == 1
    known = await desk.approve(refund_id, key="approve")
    assert (known.status_code, known.json()["state"]) == (200, "SUCCEEDED")


async def test_refund_that_the_provider_takes_up_succeeds_when_it_is_due(desk: Desk) -> None:
    payment_id = await desk.payment(card=PENDING_THEN_SUCCEEDS)
    refund_id = await desk.refund(payment_id, 4_000)
    taken_up = await desk.approve(refund_id)
    assert (taken_up.status_code, taken_up.json()["state"]) == (202, "PROCESSING")
    assert taken_up.json()["attempts"][0]["outcome"] == "pending"
    assert (await desk.get(f"/payments/{payment_id}"))["amount_refundable"] == 6_000
    desk.clock.advance(timedelta(seconds=61))
    refund = await desk.until(f"/refunds/{refund_id}", lambda shown: shown["state"] == "SUCCEEDED")
    assert refund["attempts"][0]["outcome"] == "approved"
    assert (await desk.get(f"/payments/{payment_id}"))["state"] == "PARTIALLY_REFUNDED"


async def test_partly_captured_payment_can_be_captured_on_after_a_refund(desk: Desk) -> None:
    payment_id = await desk.payment(10_000, captured=3_000)
    await desk.approve(await desk.refund(payment_id))
    assert (await desk.get(f"/payments/{payment_id}"))["state"] == "REFUNDED"
    captured = await desk.post(f"/payments/{payment_id}/capture")
    assert (captured.status_code, captured.json()["state"]) == (200, "PARTIALLY_REFUNDED")
    assert captured.json()["amount_refundable"] == 7_000


async def test_ledger_of_a_payment_shows_its_refunds_in_order(desk: Desk) -> None:
    payment_id = await desk.payment()
    refund_id = await desk.refund(payment_id, 4_000)
    await desk.approve(refund_id)
    entries = (await desk.get(f"/payments/{payment_id}/ledger", params={"limit": 100}))["data"]
    assert [entry["type"] for entry in entries[-3:]] == [
        "refund.requested", "refund.approved", "refund.succeeded",
    ]  # fmt: skip
    assert {entry["entity"] for entry in entries[-3:]} == {refund_id}
    assert {entry["book"] for entry in entries[-3:]} == {"refunds"}
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
    shown = await desk.get(f"/payments/{payment_id}")
    assert (shown["version"], shown["updated_at"]) == (len(entries), entries[-1]["at"])


async def test_state_after_a_restart_is_the_same_and_the_books_hold_each_entry_once(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_desk(tmp_path / "data", clock) as desk:
        payment_id = await desk.payment()
        refund_id = await desk.refund(payment_id, 4_000)
        await desk.approve(refund_id)
        await desk.refund(payment_id, 1_000)
        before = [await desk.get(f"/payments/{payment_id}"), await desk.get("/refunds")]
    async with open_desk(tmp_path / "data", clock) as desk:
        assert [await desk.get(f"/payments/{payment_id}"), await desk.get("/refunds")] == before
    lines = (tmp_path / "data" / "ledger" / "refunds.jsonl").read_text().splitlines()
    kinds: list[Any] = [json.loads(line)["type"] for line in lines]
    assert kinds == ["refund.requested", "refund.approved", "refund.succeeded", "refund.requested"]
