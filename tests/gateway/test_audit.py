"""The audit trail: who did what, when, at whose request; and what was asked for that moves no money."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import Desk

from payrail.cli.verification import verify_data_dir
from payrail.gateway.adapters.action_log import ActionLog
from payrail.gateway.domain.actions import Requested
from payrail.ledger.entry import Actor
from payrail.runtime.clock import rfc3339
from stack_process import StackProcess

ADMIN = {"user": "ada", "role": "admin"}
INJECT = "/providers/providerA/inject-failure"
LATENCY = {"mode": "latency", "rate": 1, "latency_ms": 1}


async def trail(desk: Desk, merchant: str = "m_demo", **filters: Any) -> list[dict[str, Any]]:
    """The whole list, a few records a page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        at = {"cursor": cursor} if cursor else {}
        page = await desk.get("/audit", params={"limit": 3, **at, **filters}, merchant=merchant)
        found += page["data"]
        if (cursor := page["next_cursor"]) is None:
            return found


def actions(records: list[dict[str, Any]]) -> list[str]:
    return [record["action"] for record in records]


async def test_it_tells_who_did_what_at_whose_request(desk: Desk) -> None:
    payment_id = await desk.payment()
    refund_id = await desk.refund(payment_id, 1_000)
    await desk.approve(refund_id)
    await desk.post(INJECT, LATENCY, **ADMIN)
    await desk.post("/clock", {"advance_s": 60}, **ADMIN)
    await desk.post("/vault/rotate-keys", **ADMIN)
    await desk.call("DELETE", "/providers/providerA/failures", **ADMIN)
    records = list(reversed(await trail(desk)))
    assert actions(records) == [
        "payment.created", "payment.authorization_started", "payment.authorized", "payment.capture_started",
        "payment.captured", "refund.requested", "refund.approved", "refund.succeeded",
        "inject_provider_failure", "move_clock", "rotate_vault_keys", "clear_provider_failures",
    ]  # fmt: skip
    assert [record["actor"]["id"] for record in records] == ["olga"] * 6 + ["anna"] * 2 + ["ada"] * 4
    assert {record["payment_id"] for record in records[:8]} == {payment_id}
    injected = records[8]
    assert (injected["entity"], injected["outcome"], injected["data"]) == ("providerA", "succeeded", LATENCY)
    assert [record["seq"] for record in records] == [*range(1, 9), None, None, None, None]
    assert all(record["correlation_id"] for record in records)


async def test_every_filter_holds(desk: Desk) -> None:
    first, second = await desk.payment(), await desk.payment()
    refund_id = await desk.refund(first, 100)
    desk.clock.advance(timedelta(hours=1))
    await desk.post(INJECT, LATENCY, **ADMIN)
    assert actions(await trail(desk, actor="ada")) == ["inject_provider_failure"]
    assert len(await trail(desk, action="payment.captured")) == 2
    assert actions(await trail(desk, entity=refund_id)) == ["refund.requested"]
    assert actions(await trail(desk, entity="providerA")) == ["inject_provider_failure"]
    assert len(await trail(desk, payment_id=first)) == 6
    assert {record["payment_id"] for record in await trail(desk, payment_id=second)} == {second}
    assert len(await trail(desk, created_from="2025-01-01T00:30:00Z")) == 1
    assert len(await trail(desk, created_to="2025-01-01T00:30:00Z")) == 11
    correlation_id = (await trail(desk, entity=refund_id))[0]["correlation_id"]
    assert actions(await trail(desk, correlation_id=correlation_id)) == ["refund.requested"]
    assert await trail(desk, entity="pay_01JZ8Q4T5W8XK3V2N7M6R9S0AB") == []


async def test_a_record_that_was_decided_on_before_the_one_in_front_of_it_hides_nothing(desk: Desk) -> None:
    """Workers append in the order of their turns, not of their times; the machine's clock may be set back, too."""
    noon = desk.clock.now() + timedelta(hours=12)
    desk.clock.set(noon)
    first = await desk.payment(captured=0)
    desk.clock.set(noon - timedelta(hours=3))
    await desk.payment(captured=0)
    desk.clock.set(noon + timedelta(hours=1))
    last = await desk.payment(captured=0)
    since = {"created_from": rfc3339(noon)}
    for records in (
        await trail(desk, **since),
        (await desk.get("/audit/export", params=since, **ADMIN))["data"],
    ):
        assert {record["payment_id"] for record in records} == {first, last}
        assert len(records) == 6
    events = (await desk.get("/events", params={"limit": 100, **since}))["data"]
    assert {event["data"]["id"] for event in events} == {first, last}


async def test_a_page_stays_where_it_is_while_records_are_added(desk: Desk) -> None:
    await desk.payment()
    await desk.post(INJECT, LATENCY, **ADMIN)
    await desk.payment()
    before = await trail(desk)
    first = await desk.get("/audit", params={"limit": 4})
    await desk.payment()
    await desk.post(INJECT, LATENCY, **ADMIN)
    rest = await desk.get("/audit", params={"limit": 100, "cursor": first["next_cursor"]})
    assert first["data"] + rest["data"] == before


async def test_another_merchants_records_are_not_there(desk: Desk) -> None:
    payment_id = await desk.payment()
    await desk.post(INJECT, LATENCY, **ADMIN)
    for filters in ({}, {"payment_id": payment_id}, {"entity": payment_id}, {"entity": "providerA"}):
        assert await trail(desk, "m_acme", **filters) == []
    refused = await desk.call("GET", f"/audit/payments/{payment_id}", merchant="m_acme")
    assert refused.status_code == 404
    exported = await desk.get("/audit/export", merchant="m_acme")
    assert exported == {"data": []}
    accesses = await desk.get("/audit/vault-access", merchant="m_acme", **ADMIN)
    assert accesses["data"] == []


async def test_a_payments_trail_has_its_refunds_and_disputes(desk: Desk) -> None:
    payment_id, other = await desk.payment(), await desk.payment()
    await desk.refund(payment_id, 100)
    await desk.dispute(payment_id, 100)
    shown = await desk.get(f"/audit/payments/{payment_id}", params={"limit": 100})
    assert {record["payment_id"] for record in shown["data"]} == {payment_id}
    assert actions(shown["data"])[:3] == ["dispute.opened", "dispute.opening_started", "refund.requested"]
    assert other not in json.dumps(shown)


async def test_the_export_is_the_whole_trail_oldest_first(desk: Desk) -> None:
    for _ in range(45):
        await desk.payment()
    await desk.post(INJECT, LATENCY, **ADMIN)
    exported = (await desk.get("/audit/export"))["data"]
    assert len(exported) == 226
    assert exported == list(reversed(await trail(desk)))
    assert len((await desk.get("/audit/export", params={"action": "payment.captured"}))["data"]) == 45


async def test_an_admin_sees_who_used_which_token(desk: Desk) -> None:
    payment_id = await desk.payment()
    token = (await desk.get(f"/payments/{payment_id}"))["payment_method"]["token"]
    accesses = (await desk.get("/audit/vault-access", params={"token": token}, **ADMIN))["data"]
    assert [access["operation"] for access in accesses] == ["charge_token", "tokenize"]
    page = await desk.get("/audit/vault-access", params={"limit": 1, "token": token}, **ADMIN)
    at = {"cursor": page["next_cursor"], "token": token}
    rest = await desk.get("/audit/vault-access", params=at, **ADMIN)
    assert accesses[0]["at"] == "2025-01-01T00:00:00.000Z"
    assert page["data"] + rest["data"] == accesses
    assert (await desk.call("GET", "/audit/vault-access", role="approver")).status_code == 403
    bad = await desk.call("GET", "/audit/vault-access", params={"cursor": "AAAA"}, **ADMIN)
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_parameter")


async def test_rotating_the_keys_leaves_payments_as_they_are(desk: Desk) -> None:
    payment_id = await desk.payment(captured=0)
    rotated = await desk.post("/vault/rotate-keys", {"mode": "now"}, key="r", **ADMIN)
    assert (rotated.status_code, rotated.json()["status"], rotated.json()["reencrypted"]) == (200, "done", 1)
    again = await desk.post("/vault/rotate-keys", {"mode": "now"}, key="r", **ADMIN)
    assert (again.content, again.headers["Idempotent-Replayed"]) == (rotated.content, "true")
    assert (await desk.post(f"/payments/{payment_id}/capture")).status_code == 200


@pytest.mark.parametrize("desk", [0.0001], indirect=True)
async def test_a_provider_that_is_given_no_time_leaves_the_vault_its_own(desk: Desk) -> None:
    method = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}}
    made = await desk.post("/payments", {"amount": 100, "currency": "USD", "payment_method": method})
    assert made.status_code == 201, made.text
    rotated = await desk.post("/vault/rotate-keys", {"mode": "now"}, **ADMIN)
    assert (rotated.status_code, rotated.json()["reencrypted"]) == (200, 1)


async def test_a_failure_is_injected_once_for_each_key(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.post(INJECT, LATENCY, key="k", **ADMIN) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    last = await desk.post(INJECT, LATENCY, key="k", **ADMIN)
    assert {a.content for a in answers if a.status_code == 201} == {last.content}
    board = (await desk.get("/providers"))["data"]
    assert len(board[0]["failures"]) == 1
    other = await desk.post(INJECT, {**LATENCY, "latency_ms": 2}, key="k", **ADMIN)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_what_a_provider_refuses_is_in_the_trail_and_keeps_no_key(desk: Desk) -> None:
    nonsense = {"mode": "decline", "rate": 1, "latency_ms": 5}
    refused = await desk.post(INJECT, nonsense, key="k", **ADMIN)
    assert refused.status_code == 422
    (record,) = await trail(desk, actor="ada")
    assert (record["outcome"], record["code"]) == ("refused", refused.json()["code"])
    assert (await desk.post(INJECT, LATENCY, key="k", **ADMIN)).status_code == 201


@pytest.mark.parametrize("point", ["after_sync:1", "before_append:2", "half_written:2", "after_sync:2"])
def test_a_process_that_dies_over_an_action_hides_nothing_and_a_retry_finishes_it(
    start_stack: Any, point: str
) -> None:
    stack: StackProcess = start_stack("--no-console", PAYRAIL_FAULT=f"audit.actions.{point}")
    headers = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada", "Idempotency-Key": "k"}
    body = {"advance_s": 3600}
    with stack.client(stack.console_key) as console, pytest.raises(httpx.TransportError):
        console.post("/clock", json=body, headers=headers)
    stack.wait()
    stack.env.pop("PAYRAIL_FAULT")
    stack.restart()
    with stack.client(stack.console_key) as console:
        (record,) = console.get("/audit", headers=headers).json()["data"]
        assert record["outcome"] == ("succeeded" if point == "after_sync:2" else "in_progress")
        again = console.post("/clock", json=body, headers=headers)
        assert (again.status_code, round(again.json()["offset_s"])) == (200, 3600)
        (record,) = console.get("/audit", headers=headers).json()["data"]
        assert record["outcome"] == "succeeded"
    assert stack.stop() == 0
    assert verify_data_dir(stack.data_dir).findings == []


async def test_all_workers_share_one_trail(tmp_path: Path) -> None:
    logs = [ActionLog(tmp_path / "audit" / "actions.jsonl") for _ in range(3)]

    def asked(n: int) -> Requested:
        return Requested(f"act_{n}", "2025", "x", "y", "m_demo", Actor("ada", "admin"), "cor")

    await asyncio.gather(*(logs[n % 3].begin(asked(n)) for n in range(30)))
    orders = {tuple(log.actions.of("m_demo")) for log in logs}
    assert len(orders) == 1
    assert sorted(orders.pop()) == sorted(f"act_{n}" for n in range(30))
    for log in logs:
        log.close()
