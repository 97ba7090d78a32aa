"""Balances, summary and events: all of them folds of the ledger, each merchant's own."""

from datetime import timedelta
from typing import Any

import pytest
from desk import Desk
from hypothesis import given
from hypothesis import strategies as st

from payrail.ledger.entry import GENESIS, seal
from payrail.ledger.events import EVENT_TYPES, event_id, seq_of
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import created, pay


async def events(desk: Desk, **filters: Any) -> list[dict[str, Any]]:
    return list((await desk.get("/events", params={"limit": 100, **filters}))["data"])


def types(shown: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in reversed(shown)]


def counts(shown: dict[str, Any]) -> dict[str, int]:
    by_state = {one["state"]: one["count"] for one in shown["by_state"]}
    assert sum(by_state.values()) == shown["total"]
    return by_state


async def test_balances_are_zero_in_sum_and_those_of_a_merchant_alone(desk: Desk) -> None:
    payment_id = await desk.payment(10_000)
    shown = await desk.get("/balances")
    accounts = {(row["account"], row["currency"]): row["amount"] for row in shown["data"]}
    assert sum(accounts.values()) == 0
    assert {name: amount for (name, _), amount in accounts.items()} == await desk.accounts(payment_id)
    assert await desk.get("/balances", merchant="m_acme") == {"data": [], "seq": 0}


async def test_balances_can_be_asked_for_as_of_any_entry(desk: Desk) -> None:
    await desk.payment(10_000)
    after_one = await desk.get("/balances")
    await desk.payment(5_000)
    assert after_one["seq"] == 5
    assert await desk.get("/balances", params={"at": 5}) == after_one
    assert (await desk.get("/balances", params={"at": 4}))["data"] == []
    assert (await desk.get("/balances", params={"at": 10_000})) == (await desk.get("/balances"))


async def test_the_summary_counts_what_there_is(desk: Desk) -> None:
    captured = await desk.payment(10_000, captured=4_000)
    await desk.payment(2_000, captured=0)
    body = {"amount": 300, "currency": "JPY"}
    card = {"number": "4000000000000002", "exp_month": 12, "exp_year": 2039}
    made = (await desk.post("/payments", {**body, "payment_method": {"card": card}})).json()
    await desk.post(f"/payments/{made['id']}/authorize")
    await desk.approve(await desk.refund(captured, 1_000))
    await desk.refund(captured, 500)
    await desk.dispute(captured, 200)
    shown = await desk.get("/summary")
    assert counts(shown["payments"]) == {"AUTHORIZED": 1, "DECLINED": 1, "PARTIALLY_REFUNDED": 1}
    assert counts(shown["refunds"]) == {"PENDING_APPROVAL": 1, "SUCCEEDED": 1}
    assert counts(shown["disputes"]) == {"NEEDS_RESPONSE": 1}
    assert shown["approval_rate"] == 0.6667
    usd = shown["currencies"][1]
    assert (usd["currency"], usd["payments"], usd["amount"]) == ("USD", 2, 12_000)
    assert (usd["amount_captured"], usd["amount_refunded"], usd["amount_disputed"]) == (4_000, 1_000, 200)
    empty = await desk.get("/summary", merchant="m_acme")
    assert (empty["payments"], empty["approval_rate"]) == ({"total": 0, "by_state": []}, None)


async def test_each_step_of_a_life_is_an_event_with_the_thing_as_it_was(desk: Desk) -> None:
    payment_id = await desk.payment(10_000, captured=4_000)
    await desk.post(f"/payments/{payment_id}/capture")
    refund_id = await desk.refund(payment_id, 1_000)
    await desk.approve(refund_id)
    await desk.reject(await desk.refund(payment_id, 100))
    dispute_id = await desk.dispute(payment_id, 200)
    await desk.evidence(dispute_id)
    await desk.resolve(dispute_id, "WON")
    shown = await events(desk)
    assert types(shown) == [
        "payment.created", "payment.authorized", "payment.partially_captured", "payment.captured",
        "refund.requested", "refund.approved", "refund.succeeded", "refund.requested", "refund.rejected",
        "dispute.opened", "dispute.evidence_submitted", "dispute.won",
    ]  # fmt: skip
    partly = shown[-3]
    assert (partly["data"]["state"], partly["data"]["amount_captured"]) == ("PARTIALLY_CAPTURED", 4_000)
    assert (partly["merchant_id"], partly["data"]["id"]) == ("m_demo", payment_id)
    assert await desk.get(f"/events/{partly['id']}") == partly
    assert {event["type"] for event in shown} <= set(EVENT_TYPES)


async def test_what_ends_otherwise_has_events_too(desk: Desk) -> None:
    held = await desk.payment(captured=0)
    await desk.post(f"/payments/{held}/cancel")
    await desk.payment(captured=0)
    desk.clock.advance(timedelta(days=7))
    await desk.post("/clock", {"advance_s": 0}, user="ada", role="admin")
    for number in ("4000000000000002",):
        card = {"number": number, "exp_month": 12, "exp_year": 2039}
        body = {"amount": 1, "currency": "USD", "payment_method": {"card": card}}
        made = (await desk.post("/payments", body)).json()
        await desk.post(f"/payments/{made['id']}/authorize")
    ends = [
        kind for kind in types(await events(desk)) if kind not in ("payment.created", "payment.authorized")
    ]
    assert ends == ["payment.canceled", "payment.expired", "payment.declined"]


async def test_events_are_filtered_and_paged(desk: Desk) -> None:
    first = await desk.payment()
    await desk.payment()
    both = await events(desk, type=["payment.captured", "payment.created"])
    assert types(both) == ["payment.created", "payment.captured"] * 2
    assert types(await events(desk, entity=first)) == [
        "payment.created", "payment.authorized", "payment.captured",
    ]  # fmt: skip
    page = await desk.get("/events", params={"limit": 4})
    await desk.payment()
    rest = await desk.get("/events", params={"cursor": page["next_cursor"]})
    assert len(page["data"] + rest["data"]) == 6
    assert {event["id"] for event in rest["data"]}.isdisjoint(event["id"] for event in page["data"])
    assert await events(desk, created_from="2026-01-01T00:00:00Z") == []


async def test_no_other_events_can_be_looked_up(desk: Desk) -> None:
    await desk.payment()
    event = (await events(desk))[0]
    assert (await desk.call("GET", f"/events/{event['id']}", merchant="m_acme")).status_code == 404
    for identifier in (event["id"][:-1] + "Z", event["id"][:-1] + "0", "evt_01JZ8Q4T5W8XK3V2N7M6R9S0AB"):
        assert (await desk.call("GET", f"/events/{identifier}")).status_code == 404, identifier


@given(seq=st.integers(1, 2**63))
def test_an_events_id_leads_back_to_its_entry(seq: int) -> None:
    journal = MemoryJournal()
    draft = created(pay(1))(journal.state)
    entry, _ = seal(draft, seq=seq, entry_id="le_01JZ8Q4T5X1Y2Z3A4B5C6D7E8F", prev=GENESIS)  # type: ignore[arg-type]
    assert seq_of(event_id(entry)) == seq
    assert event_id(entry).startswith("evt_01JZ8Q4T5X")


@pytest.mark.parametrize("rubbish", ["evt_01JZ8Q4T5W8XK3V2N7M6R9S0AB", "evt_"])
def test_what_is_no_events_id_leads_nowhere(rubbish: str) -> None:
    with pytest.raises(ValueError, match="evt_"):
        seq_of(rubbish)
