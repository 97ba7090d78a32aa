"""Idempotency keys from outside: one key is one operation, whatever is repeated, raced or restarted."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from secrets_scan import CVC
from stack_process import StackProcess
from waiting import LIMIT_S

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
BODY = {"amount": 4999, "currency": "USD", "payment_method": {"card": CARD}}


@pytest.fixture(params=[(), ("--workers", "2")], ids=["embedded", "two-workers"])
def stack(request: pytest.FixtureRequest, start_stack: Callable[..., StackProcess]) -> StackProcess:
    return start_stack(*request.param)


def post(client: httpx.Client, path: str, key: str, body: Any = None, **headers: str) -> httpx.Response:
    return client.post(path, json=body or {}, headers={"Idempotency-Key": key, **headers})


async def at_once(
    stack: StackProcess, path: str, key: str, body: Any, times: int = 50
) -> list[httpx.Response]:
    """The same request, `times` times, each on a connection of its own."""
    headers = {"Authorization": f"Bearer {stack.merchant_key}", "Idempotency-Key": key}
    limits = httpx.Limits(max_connections=times)
    async with httpx.AsyncClient(
        base_url=stack.url(), headers=headers, limits=limits, timeout=LIMIT_S, trust_env=False
    ) as client:
        return await asyncio.gather(*(client.post(path, json=body) for _ in range(times)))


def assert_one_answer(answers: list[httpx.Response], first_status: int) -> dict[str, Any]:
    """One request did the work; every other answer is its replay or says that it is still running."""
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {first_status, 409}, [answer.text for answer in answers]
    done = [answer for answer in answers if answer.status_code == first_status]
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    assert len({answer.content for answer in done}) == 1
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refused <= {"idempotency_in_progress"}
    return done[0].json()  # type: ignore[no-any-return]


async def test_fifty_at_once_make_one_payment_one_hold_and_one_capture(stack: StackProcess) -> None:
    rounds = 5
    for number in range(rounds):
        payment = assert_one_answer(await at_once(stack, "/payments", f"create-{number}", BODY), 201)
        path = f"/payments/{payment['id']}"
        authorized = assert_one_answer(
            await at_once(stack, f"{path}/authorize", "authorize", {"cvc": CVC}), 200
        )
        captured = assert_one_answer(
            await at_once(stack, f"{path}/capture", "capture", {"amount": 1000}), 200
        )
        assert [attempt["outcome"] for attempt in authorized["attempts"]] == ["approved"]
        assert captured["amount_captured"] == 1000
    with stack.client() as client:
        assert len(client.get("/payments").json()["data"]) == rounds
    with stack.internal_client("provider-sim") as providers:
        counts = providers.get("/providers/providerA/state").json()["operations"]
    assert (counts["authorize"], counts["capture"]) == (rounds, rounds)


def test_a_repeated_request_gets_the_same_bytes_also_after_a_restart_and_later_operations(
    stack_process: StackProcess,
) -> None:
    with stack_process.client() as client:
        created = post(client, "/payments", "create", BODY)
        path = f"/payments/{created.json()['id']}"
        authorized = post(client, f"{path}/authorize", "authorize", {"cvc": CVC})
        captured = post(client, f"{path}/capture", "capture")
    stack_process.kill()
    stack_process.restart()
    with stack_process.client() as client:
        for first, where, body in (
            (created, "/payments", BODY),
            (authorized, f"{path}/authorize", {}),  # The CVC is not part of what must be the same.
            (captured, f"{path}/capture", {}),
        ):
            key = first.request.headers["Idempotency-Key"]
            again = post(client, where, key, body)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["Idempotent-Replayed"] == "true"
            assert "Idempotent-Replayed" not in first.headers


def test_keys_are_checked_and_belong_to_one_merchant_operation_and_body(stack_process: StackProcess) -> None:
    with stack_process.client() as client:
        first = post(client, "/payments", "key", BODY)
        other = post(client, "/payments", "key", {**BODY, "amount": 1})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert post(client, "/payments", '"key"', BODY).content == first.content
        path = f"/payments/{first.json()['id']}"
        assert post(client, f"{path}/authorize", "key").status_code == 200  # another operation
        missing = client.post("/payments", json=BODY)
        assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
        twice = client.post(
            "/payments", json=BODY, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
        )
        assert (twice.status_code, twice.json()["code"]) == (400, "invalid_header")
        for bad in ("", "k" * 256, "two words"):
            refused = post(client, "/payments", bad, BODY)
            assert refused.status_code == 400, (bad, refused.text)
    acme = {"X-Merchant-Id": "m_acme", "X-Role": "operator", "X-User-Id": "ann"}
    with stack_process.client(stack_process.console_key) as console:
        theirs = post(console, "/payments", "key", BODY, **acme)
    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]
