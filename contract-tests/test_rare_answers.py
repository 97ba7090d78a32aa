"""Answers that need a provider that is slow, silent or unwilling, or a clock that has moved: each brought about."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bundles
import httpx
import pytest
from requests_from_contracts import body_of, url_of

from payrail.cli.stack import embedded
from payrail.provider_sim.silence import Silence
from payrail.runtime.settings import SECRET_NAMES, load_settings
from waiting import until

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2090}


class Shop:
    """A merchant's requests to a stack in this process, with a new key for each that brings none."""

    def __init__(self, client: httpx.AsyncClient, silence: Silence) -> None:
        self._client = client
        self._keys = 0
        self.silence = silence

    async def post(
        self, url: str, body: Any = None, *, key: str | None = None, user: str = "ann"
    ) -> httpx.Response:
        self._keys += 1
        headers = {"Idempotency-Key": key or f"key-{self._keys}", "X-User-Id": user}
        return await self._client.post(url, json={} if body is None else body, headers=headers)

    async def made(self, url: str, body: Any = None, **how: Any) -> dict[str, Any]:
        answer = await self.post(url, body, **how)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def thing(self, kind: str, card: dict[str, Any] = CARD) -> str:
        """The path of a new thing in the state that `kind` names."""
        asked = {"amount": 1000, "currency": "USD", "payment_method": {"card": card}}
        payment = f"/payments/{(await self.made('/payments', asked))['id']}"
        if kind == "created":
            return payment
        await self.made(f"{payment}/authorize")
        if kind == "authorized":
            return payment
        await self.made(f"{payment}/capture")
        wish = {"payment_id": payment.rpartition("/")[2], "amount": 100, "reason": "part"}
        if kind == "refund":
            return f"/refunds/{(await self.made('/refunds', wish))['id']}"
        return f"/disputes/{(await self.made('/disputes', wish))['id']}"

    async def providers_fail(self, **how: Any) -> None:
        """Every call of both providers is hit from now on."""
        for provider in ("providerA", "providerB"):
            await self.made(f"/providers/{provider}/inject-failure", how)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """No call is given up for the time that it takes; one that a provider leaves unanswered ends at once."""
    settings = load_settings(payrail_data_dir=tmp_path, provider_timeout_s=3600)
    silence = Silence(0.01)
    async with embedded(settings, silence=silence).alive() as stack:
        identity = {
            "X-Merchant-Id": "m_demo",
            "X-Role": "admin",
            "Authorization": f"Bearer {settings.console_api_key}",
        }
        transport = httpx.ASGITransport(stack.apps["gateway"])
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers=identity
        ) as client:
            yield Shop(client, silence)


#: A thing, what is asked of its provider, and the code that the provider's refusal gets.
STEPS = [
    ("authorized", "capture", {}, "capture_declined"),
    ("authorized", "cancel", {}, "void_declined"),
    ("dispute", "evidence", {"kind": "receipt", "text": "It was delivered."}, "evidence_declined"),
    ("dispute", "resolve", {"outcome": "LOST"}, "resolution_declined"),
]
each_step = pytest.mark.parametrize(
    ("kind", "verb", "body", "refused"), STEPS, ids=[step[1] for step in STEPS]
)


@each_step
async def test_a_provider_that_refuses_a_step_is_422(
    shop: Shop, kind: str, verb: str, body: Any, refused: str
) -> None:
    path = await shop.thing(kind)
    await shop.providers_fail(mode="decline")
    answer = await shop.post(f"{path}/{verb}", body)
    assert (answer.status_code, answer.json()["code"]) == (422, refused)


async def test_a_provider_that_refuses_to_open_a_dispute_is_422(shop: Shop) -> None:
    path = await shop.thing("authorized")
    await shop.made(f"{path}/capture")
    await shop.providers_fail(mode="decline")
    wish = {"payment_id": path.rpartition("/")[2], "reason": "fraudulent"}
    answer = await shop.post("/disputes", wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "dispute_declined")


@each_step
async def test_a_provider_that_surely_did_nothing_is_503(
    shop: Shop, kind: str, verb: str, body: Any, refused: str
) -> None:
    path = await shop.thing(kind)
    await shop.providers_fail(mode="error")
    answer = await shop.post(f"{path}/{verb}", body)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_processed")
    assert refused


@each_step
async def test_a_provider_that_does_not_answer_is_202(
    shop: Shop, kind: str, verb: str, body: Any, refused: str
) -> None:
    path = await shop.thing(kind)
    await shop.providers_fail(mode="timeout")
    answer = await shop.post(f"{path}/{verb}", body)
    assert answer.status_code == 202
    assert answer.headers["retry-after"]
    assert refused


@pytest.mark.parametrize("keys", [("one", "one"), ("two", "three")], ids=["with its key", "with another key"])
@pytest.mark.parametrize(
    ("kind", "verb", "body"),
    [("created", "authorize", {}), ("refund", "approve", {}), *(step[:3] for step in STEPS)],
)
async def test_while_a_provider_is_asked_another_request_is_409(
    shop: Shop, kind: str, verb: str, body: Any, keys: tuple[str, str]
) -> None:
    """The provider's answer takes until the second request has its own."""
    busy = "invalid_transition" if verb == "authorize" else "operation_in_progress"
    expected = "idempotency_in_progress" if keys[0] == keys[1] else busy
    path = await shop.thing(kind)
    await shop.providers_fail(mode="latency", latency_ms=60_000)
    first = asyncio.create_task(shop.post(f"{path}/{verb}", body, key=keys[0], user="ben"))
    await until(lambda: shop.silence.waiting > 0)
    refused = await shop.post(f"{path}/{verb}", body, key=keys[1], user="ben")
    assert (refused.status_code, refused.json()["code"]) == (409, expected)
    shop.silence.end()
    assert (await first).status_code == 200


@pytest.mark.parametrize(
    ("kind", "verb", "one", "another"),
    [
        ("dispute", "evidence", {"kind": "receipt", "text": "One."}, {"kind": "receipt", "text": "Another."}),
        ("dispute", "resolve", {"outcome": "LOST"}, {"outcome": "WON"}),
    ],
)
async def test_a_key_that_belongs_to_another_body_is_422(
    shop: Shop, kind: str, verb: str, one: Any, another: Any
) -> None:
    path = await shop.thing(kind)
    await shop.made(f"{path}/{verb}", one, key="mine")
    answer = await shop.post(f"{path}/{verb}", another, key="mine")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_capture_of_more_than_was_authorized_is_422(shop: Shop) -> None:
    answer = await shop.post(f"{await shop.thing('authorized')}/capture", {"amount": 1001})
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_exceeds_authorized")


async def test_a_rotation_that_nobody_waits_for_is_202(shop: Shop) -> None:
    answer = await shop.post("/vault/rotate-keys", {"mode": "background"})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")


async def test_the_clock_of_production_stays_where_it_is(tmp_path: Path) -> None:
    secrets: dict[str, Any] = {
        name.lower(): f"whsec_{'A' * 31}{number}"
        if "WEBHOOK" in name
        else f"key-number-{number}-of-production"
        for number, name in enumerate(SECRET_NAMES)
    }
    settings = load_settings(payrail_data_dir=tmp_path, payrail_env="production", **secrets)
    async with embedded(settings).alive() as stack:
        transport = httpx.ASGITransport(stack.apps["gateway"])
        headers = {"Authorization": f"Bearer {settings.console_api_key}", "X-Merchant-Id": "m_demo"}
        headers |= {"X-Role": "admin", "X-User-Id": "ann"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers=headers
        ) as client:
            answer = await client.post("/clock", json={"advance_s": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_in_production")


async def test_a_job_that_ran_can_be_looked_at(tmp_path: Path) -> None:
    settings = load_settings(payrail_data_dir=tmp_path)
    headers = {"Authorization": f"Bearer {settings.internal_api_key_gateway}"}
    async with embedded(settings).alive() as stack:
        transport = httpx.ASGITransport(stack.apps["ledger-jobs"])
        async with httpx.AsyncClient(
            transport=transport, base_url="http://ledger-jobs", headers=headers
        ) as client:
            generate = next(o for o in bundles.operations() if str(o) == "ledger-jobs-generate_settlement")
            made = await client.post(url_of(generate), json=body_of(generate))
            assert made.is_success, made.text
            run, *_ = (await client.get("/jobs")).json()["data"]
            answer = await client.get(f"/jobs/{run['id']}")
    assert (answer.status_code, answer.json()["id"]) == (200, run["id"])
