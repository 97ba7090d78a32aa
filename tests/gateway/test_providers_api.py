"""Routing, breakers and failures as a merchant and an admin meet them: through the API of a whole stack."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from payrail.cli.stack import Stack, embedded
from payrail.runtime.clock import FrozenClock
from payrail.runtime.settings import load_settings

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


def client_of(stack: Stack, key: str) -> httpx.AsyncClient:
    """A client of the stack's gateway, without sockets."""
    transport = httpx.ASGITransport(stack.apps["gateway"])
    return httpx.AsyncClient(
        transport=transport, base_url="http://gateway", headers={"Authorization": f"Bearer {key}"}
    )


class Shop:
    """The demo merchant and, with the console's key, its admin."""

    def __init__(self, stack: Stack, clock: FrozenClock) -> None:
        self.clock = clock
        self.http = client_of(stack, stack.settings.merchant_api_key)
        self._stack = stack
        self._number = 0

    def acting(self, role: str, merchant: str = "m_demo") -> httpx.AsyncClient:
        client = client_of(self._stack, self._stack.settings.console_api_key)
        client.headers.update({"X-Merchant-Id": merchant, "X-Role": role, "X-User-Id": f"{role}_1"})
        return client

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        self._number += 1
        return await self.http.post(path, json=body, headers={"Idempotency-Key": f"key-{self._number}"})

    async def create(self, amount: int = 4999, currency: str = "USD", **more: Any) -> str:
        body = {"amount": amount, "currency": currency, "payment_method": {"card": CARD}, **more}
        created = await self.post("/payments", body)
        assert created.status_code == 201, created.text
        return str(created.json()["id"])

    async def authorize(self, payment_id: str | None = None) -> httpx.Response:
        return await self.post(f"/payments/{payment_id or await self.create()}/authorize", {})

    async def fail(self, provider: str, mode: str = "error", **more: Any) -> httpx.Response:
        admin = self.acting("admin")
        return await admin.post(f"/providers/{provider}/inject-failure", json={"mode": mode, **more})

    async def heal(self, provider: str) -> httpx.Response:
        return await self.acting("admin").delete(f"/providers/{provider}/failures")

    async def board(self) -> dict[str, dict[str, Any]]:
        answer = await self.acting("viewer").get("/providers")
        assert answer.status_code == 200, answer.text
        return {line["id"]: line for line in answer.json()["data"]}

    async def explain(self, **body: Any) -> httpx.Response:
        return await self.acting("viewer").post("/routing/explain", json=body)

    async def entries(self) -> int:
        path = self._stack.settings.payrail_data_dir / "ledger" / "payments.jsonl"
        return len(path.read_bytes().splitlines()) if path.exists() else 0


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "version: 1\n"
        "costs:\n"
        "  providerA: {basis_points: 290, fixed_amount: 30}\n"
        "  providerB: {basis_points: 310, fixed_amount: 30}\n"
    )
    return path


@pytest.fixture
async def shop(tmp_path: Path, rules: Path) -> AsyncIterator[Shop]:
    settings = load_settings(
        payrail_data_dir=tmp_path / "data", breaker_failure_threshold=3, routing_rules=rules
    )
    clock = FrozenClock()
    async with embedded(settings, clock=clock).alive() as stack:
        yield Shop(stack, clock)


async def test_technical_errors_send_payments_on_until_the_breaker_spares_them_the_attempt(
    shop: Shop,
) -> None:
    await shop.fail("providerA", operation="authorize")
    for _ in range(3):
        paid = (await shop.authorize()).json()
        assert [(a["provider"], a["outcome"]) for a in paid["attempts"]] == [
            ("providerA", "not_processed"),
            ("providerB", "approved"),
        ]
    board = await shop.board()
    assert board["providerA"]["breaker"]["state"] == "OPEN"
    assert board["providerA"]["breaker"]["history"][0]["reason"].startswith("3 technical failures in a row")
    assert [failure["mode"] for failure in board["providerA"]["failures"]] == ["error"]
    assert board["providerA"]["success_rate"] == 0
    assert board["providerB"]["success_rate"] == board["providerB"]["approval_rate"] == 1
    paid = (await shop.authorize()).json()
    assert [a["provider"] for a in paid["attempts"]] == ["providerB"]
    started = (await shop.http.get(f"/payments/{paid['id']}/ledger")).json()["data"][1]
    assert started["data"]["routing"]["excluded"][0]["reason"] == "its breaker is open"
    assert (await shop.heal("providerA")).json() == {"cleared": 1}
    shop.clock.advance(timedelta(seconds=30))
    assert (await shop.board())["providerA"]["breaker"]["state"] == "HALF_OPEN"
    paid = (await shop.authorize()).json()
    assert [a["provider"] for a in paid["attempts"]] == ["providerA"]
    assert (await shop.board())["providerA"]["breaker"]["state"] == "CLOSED"


async def test_declines_leave_the_breaker_closed(shop: Shop) -> None:
    await shop.fail("providerA", "decline", decline_code="insufficient_funds")
    for _ in range(6):
        paid = (await shop.authorize()).json()
        assert (paid["state"], len(paid["attempts"])) == ("DECLINED", 1)
    line = (await shop.board())["providerA"]
    assert (line["breaker"]["state"], line["success_rate"], line["approval_rate"]) == ("CLOSED", 1, 0)


async def test_with_all_breakers_open_nothing_is_written_and_the_key_stays_free(shop: Shop) -> None:
    for provider in ("providerA", "providerB"):
        await shop.fail(provider, operation="authorize", remaining=3)
    for _ in range(3):
        assert (await shop.authorize()).json()["state"] == "FAILED"
    payment_id = await shop.create()
    before = await shop.entries()
    path, key = f"/payments/{payment_id}/authorize", {"Idempotency-Key": "again"}
    refused = await shop.http.post(path, json={}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "provider_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert "providerA: its breaker is open" in refused.json()["detail"]
    assert await shop.entries() == before
    shop.clock.advance(timedelta(seconds=30))
    assert (await shop.http.post(path, json={}, headers=key)).json()["state"] == "AUTHORIZED"


async def test_an_open_breaker_makes_a_capture_not_processed_and_gives_its_key_back(shop: Shop) -> None:
    payment_id = (await shop.authorize()).json()["id"]
    await shop.fail("providerA", operation="authorize", remaining=3)
    for _ in range(3):
        await shop.authorize()
    path, key = f"/payments/{payment_id}/capture", {"Idempotency-Key": "capture"}
    refused = await shop.http.post(path, json={}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "not_processed")
    shop.clock.advance(timedelta(seconds=30))
    assert (await shop.http.post(path, json={}, headers=key)).json()["state"] == "CAPTURED"


async def test_explaining_says_what_happens_then_and_writes_nothing(shop: Shop) -> None:
    payment_id = await shop.create()
    before = await shop.entries()
    by_id = (await shop.explain(payment_id=payment_id)).json()
    by_facts = (await shop.explain(amount=4999, currency="USD", brand="visa", bin="424242")).json()
    assert by_id == by_facts
    assert by_id["provider"] == "providerA"
    assert [(c["provider"], c["cost_amount"]) for c in by_id["candidates"]] == [
        ("providerA", 175),
        ("providerB", 185),
    ]
    assert await shop.entries() == before
    assert (await shop.authorize(payment_id)).json()["provider"] == by_id["provider"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"amount": 1}, "validation_failed", "/currency"),
        ({"currency": "EUR"}, "validation_failed", "/amount"),
        ({"payment_id": "pay_" + "0" * 26, "amount": 1}, "validation_failed", "/amount"),
        ({"amount": 1, "currency": "XYZ"}, "currency_unsupported", None),
        ({}, "validation_failed", ""),
    ],
)
async def test_explaining_needs_a_payment_or_the_facts_of_one(
    shop: Shop, body: dict[str, Any], code: str, pointer: str | None
) -> None:
    refused = await shop.explain(**body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    if pointer is not None:
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_another_merchants_payment_cannot_be_explained(shop: Shop) -> None:
    payment_id = await shop.create()
    stranger = shop.acting("admin", "m_acme")
    refused = await stranger.post("/routing/explain", json={"payment_id": payment_id})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_changed_rules_route_the_next_payment_and_bad_ones_do_not(shop: Shop, rules: Path) -> None:
    text = rules.read_text()
    rules.write_text(text + "rules: [{name: b_first, when: {bins: [4242]}, order: [providerB, providerA]}]\n")
    shop.clock.advance(timedelta(seconds=1))
    paid = (await shop.authorize()).json()
    assert paid["provider"] == "providerB"
    started = (await shop.http.get(f"/payments/{paid['id']}/ledger")).json()["data"][1]
    in_force = (await shop.http.get("/routing")).json()
    assert started["data"]["routing"]["rule"] == "b_first"
    assert started["data"]["routing"]["rules_digest"] == in_force["digest"]
    assert (in_force["source"], in_force["rules"][0]["when"]["bins"]) == ("mine.yaml", ["4242"])
    rules.write_text(text + "rules: [{name: broken, order: [providerZ]}]\n")
    shop.clock.advance(timedelta(seconds=1))
    after = (await shop.http.get("/routing")).json()
    assert (after["digest"], after["fault"]["line"]) == (in_force["digest"], 5)
    assert "is none of providerA, providerB" in after["fault"]["message"]
    assert (await shop.http.get("/health")).json()["status"] == "degraded"
    assert (await shop.authorize()).json()["provider"] == "providerB"


async def test_only_an_admin_may_make_providers_fail(shop: Shop) -> None:
    for role in ("viewer", "operator", "approver"):
        client = shop.acting(role)
        injected = await client.post("/providers/providerA/inject-failure", json={"mode": "error"})
        cleared = await client.delete("/providers/providerA/failures")
        assert (injected.status_code, cleared.status_code) == (403, 403)
    assert (await shop.board())["providerA"]["failures"] == []


async def test_what_the_simulator_refuses_is_told_in_its_words(shop: Shop) -> None:
    refused = await shop.fail("providerA", "latency")
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["errors"] == [
        {"pointer": "/latency_ms", "message": "is required with mode latency"}
    ]
    assert (
        await shop.acting("admin").post("/providers/providerZ/inject-failure", json={"mode": "error"})
    ).status_code in (
        400,
        404,
    )


async def test_metrics_count_requests_and_provider_calls_without_a_key(shop: Shop) -> None:
    await shop.fail("providerA", operation="authorize", remaining=1)
    await shop.authorize()
    answer = await shop.http.get("/metrics", headers={"Authorization": ""})
    assert answer.headers["content-type"].startswith("text/plain; version=")
    series = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    counted = {name.split(",worker")[0]: float(value) for name, value in series.items()}
    calls = "payrail_provider_call_duration_seconds_count"
    assert counted[calls + '{operation="authorize",outcome="not_processed",provider="providerA"'] == 1
    assert counted[calls + '{operation="authorize",outcome="approved",provider="providerB"'] == 1
    assert counted['payrail_request_duration_seconds_count{operation="authorize_payment",status="200"'] == 1
    assert counted['payrail_breaker_open{provider="providerA"'] == 0
    assert "4242424242424242" not in answer.text


async def test_health_of_all_services_names_the_one_that_is_away(shop: Shop) -> None:
    healthy = (await shop.acting("viewer").get("/health/services")).json()
    assert healthy["status"] == "ok"
    assert [line["service"] for line in healthy["data"]] == [
        "gateway",
        "vault",
        "provider-sim",
        "ledger-jobs",
    ]
    assert all(line["latency_ms"] is not None for line in healthy["data"])


async def test_every_service_tells_the_running_version_of_payrail(shop: Shop) -> None:
    """Its own contract's version may be another one."""
    healthy = (await shop.acting("viewer").get("/health/services")).json()
    assert [line["version"] for line in healthy["data"]] == [version("payrail")] * 4


async def test_samples_of_the_metrics_are_left_behind_when_the_gateway_ends(
    tmp_path: Path,
) -> None:
    settings = load_settings(payrail_data_dir=tmp_path / "data")
    async with embedded(settings).alive() as stack:
        await client_of(stack, settings.merchant_api_key).get("/payments")
    (line,) = (tmp_path / "data" / "metrics" / "service_metrics.jsonl").read_text().splitlines()
    sample = json.loads(line)
    assert sample["service"] == "gateway"
    assert [(row["operation"], row["status"], row["count"]) for row in sample["requests"]] == [
        ("list_payments", "200", 1)
    ]
