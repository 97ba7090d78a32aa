"""`with_raw_response`: the whole answer beside what was made of it."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from contract_answers import created, unknown
from misbehaving_server import Script, answer, problem
from sdk_callers import Caller

from payrail_sdk import AsyncPayRail, NotFound, PayRail, RawResponse, UnreadableAnswer
from stack_process import StackProcess

CARD = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}}


def create(client: Any, **more: Any) -> Any:
    return client.payments.with_raw_response.create(amount=1234, currency="EUR", payment_method=CARD, **more)


def test_raw_response_has_status_headers_body_and_the_parsed_payment(caller: Caller, server: Script) -> None:
    server.then(answer(201, created(), x_correlation_id="order-1042", x_note="hello"))
    raw = caller(lambda client: create(client, idempotency_key="k-1"))
    assert isinstance(raw, RawResponse)
    assert (raw.status, raw.parsed.state) == (201, "CREATED")
    assert (raw.correlation_id, raw.idempotency_key, raw.retries, raw.replayed) == (
        "order-1042",
        "k-1",
        0,
        False,
    )
    assert raw.headers["x-note"] == "hello"
    assert json.loads(raw.body) == created()


def test_raw_response_tells_an_unknown_outcome_by_its_status(caller: Caller, server: Script) -> None:
    server.then(answer(202, unknown()))
    raw = caller(lambda client: client.payments.with_raw_response.authorize("pay_1"))
    assert (raw.status, raw.parsed.state) == (202, "UNKNOWN")


def test_raw_response_counts_the_retries_and_is_of_the_last_try(caller: Caller, server: Script) -> None:
    server.then(problem(503, "vault_unavailable"), answer(201, created()))
    raw = caller(create)
    assert (raw.status, raw.retries) == (201, 1)
    assert raw.idempotency_key == server.keys[0] == server.keys[1]


def test_raw_response_takes_the_call_options(caller: Caller, server: Script) -> None:
    server.then(answer(200, created()))
    raw = caller(
        lambda client: client.payments.with_raw_response.get(
            "pay_1", correlation_id="mine", extra_headers={"x-a": "b"}
        )
    )
    assert raw.correlation_id == "mine"
    assert server.received[0].headers["x-a"] == "b"


def test_raw_list_is_one_page(caller: Caller, server: Script) -> None:
    server.then(answer(200, {"data": [created()], "next_cursor": "more"}, x_note="page"))
    raw = caller(lambda client: client.payments.with_raw_response.list(limit=1))
    assert [payment.state for payment in raw.parsed.data] == ["CREATED"]
    assert (raw.parsed.next_cursor, raw.headers["x-note"]) == ("more", "page")
    assert len(server.received) == 1


def test_failure_is_raised_as_without(caller: Caller, server: Script) -> None:
    server.then(problem(404, "payment_not_found"), answer(200, {"id": "pay_1"}))
    with pytest.raises(NotFound):
        caller(lambda client: client.payments.with_raw_response.get("pay_1"))
    with pytest.raises(UnreadableAnswer):
        caller(lambda client: client.payments.with_raw_response.get("pay_1"))


def test_clients_own_methods_have_it_too(caller: Caller, server: Script) -> None:
    server.then(answer(200, b"payrail_up 1\n", content_type="text/plain"))
    raw = caller(lambda client: client.with_raw_response.metrics())
    assert (raw.parsed, raw.body) == ("payrail_up 1\n", b"payrail_up 1\n")


def test_replay_says_so(kind: str, gateway: StackProcess) -> None:
    caller = Caller(kind, gateway.url(), gateway.merchant_key)
    first, second = (caller(lambda client: create(client, idempotency_key=f"raw-{kind}")) for _ in range(2))
    caller.close()
    assert (first.replayed, second.replayed) == (False, True)
    assert first.body == second.body


def test_calls_of_several_threads_do_not_see_each_others_answers(gateway: StackProcess) -> None:
    with PayRail(gateway.merchant_key, gateway.url()) as payrail, ThreadPoolExecutor(4) as pool:
        names = [f"thread-{number}" for number in range(20)]
        raws = list(pool.map(lambda name: payrail.with_raw_response.summary(correlation_id=name), names))
    assert [raw.headers["x-correlation-id"] for raw in raws] == names


def test_calls_of_several_tasks_do_not_see_each_others_answers(gateway: StackProcess) -> None:
    async def scenario() -> list[str]:
        async with AsyncPayRail(gateway.merchant_key, gateway.url()) as payrail:
            calls = [payrail.with_raw_response.summary(correlation_id=f"task-{n}") for n in range(20)]
            return [raw.headers["x-correlation-id"] for raw in await asyncio.gather(*calls)]

    assert asyncio.run(scenario()) == [f"task-{number}" for number in range(20)]
