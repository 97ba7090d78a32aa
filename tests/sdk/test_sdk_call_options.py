"""What a single call may have that differs from the client's others."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from contract_answers import created
from misbehaving_server import Script, answer, problem, silent_at
from sdk_callers import Caller

from payrail_sdk import ServiceUnavailable, TimedOut


def test_time_out_of_one_call_bounds_that_call_only(caller: Caller, server: Script) -> None:
    server.then(*[silent_at("/payments/pay_1", answer(200, created()))] * 2)
    with pytest.raises(TimedOut):
        caller(lambda client: client.payments.get("pay_1", timeout_s=0.2, max_retries=0))
    assert caller(lambda client: client.payments.get("pay_2")).state == "CREATED"
    limits_s = [request.extensions["timeout"]["read"] for request in caller.tries]
    assert limits_s == [0.2, 60]


@pytest.mark.parametrize(("wanted", "tries"), [(0, 1), (3, 4), (None, 2)])
def test_retries_of_one_call_can_be_more_or_none(
    make_caller: Callable[..., Caller], server: Script, wanted: int | None, tries: int
) -> None:
    caller = make_caller(max_retries=1)
    server.steps[:] = [problem(503, "vault_unavailable")] * 9
    with pytest.raises(ServiceUnavailable):
        caller(lambda client: client.payments.cancel("pay_1", max_retries=wanted))
    assert len(server.received) == tries


def test_extra_headers_go_with_every_try_of_one_call(caller: Caller, server: Script) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    server.then(problem(503, "vault_unavailable"), *[answer(200, created())] * 2)
    caller(lambda client: client.payments.get("pay_1", extra_headers={"traceparent": trace, "X-Note": "a b"}))
    caller(lambda client: client.payments.get("pay_1"))
    traces = [request.headers.get("traceparent") for request in server.received]
    assert traces == [trace, trace, None]
    assert server.received[0].headers["x-note"] == "a b"


def test_options_hold_for_every_page_of_a_list(caller: Caller, server: Script) -> None:
    server.then(
        answer(200, {"data": [created()], "next_cursor": "more"}),
        answer(200, {"data": [created()], "next_cursor": None}),
    )
    caller.items(
        lambda client: client.payments.list(
            currency="EUR", correlation_id="my-list", extra_headers={"X-Note": "n"}
        )
    )
    assert [request.headers["x-correlation-id"] for request in server.received] == ["my-list"] * 2
    assert [request.headers["x-note"] for request in server.received] == ["n"] * 2
    assert [request.path for request in server.received] == [
        "/payments?currency=EUR",
        "/payments?currency=EUR&cursor=more",
    ]


def test_filter_and_option_of_one_name_do_not_mix(caller: Caller, server: Script) -> None:
    server.then(answer(200, {"data": [], "next_cursor": None}))
    caller.items(lambda client: client.audit.list(of_correlation="order-1", correlation_id="my-call"))
    assert server.received[0].path == "/audit?correlation_id=order-1"
    assert server.received[0].headers["x-correlation-id"] == "my-call"


def test_rows_as_csv_are_asked_for_as_csv(caller: Caller, server: Script) -> None:
    server.then(answer(200, b"date,amount\n", content_type="text/csv"), answer(200, created()))
    assert caller(lambda client: client.settlements.csv(date(2026, 3, 2))) == "date,amount\n"
    caller(lambda client: client.payments.get("pay_1"))
    accepted = [request.headers["accept"] for request in server.received]
    assert accepted == ["text/csv", "application/json, application/problem+json"]
    assert server.received[0].headers["authorization"] == "Bearer sk_test"


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"max_retries": -1},
        {"correlation_id": "two words"},
        {"extra_headers": {"X-Note": "a\r\nX-Role: admin"}},
        {"extra_headers": {"X-Note": ""}},
        {"extra_headers": {"X Note": "a"}},
        {"extra_headers": {"": "a"}},
        *[
            {"extra_headers": {name: "sk_secret"}}
            for name in ("authorization", "X-ROLE", "X-User-Id", "x-merchant-id", "Idempotency-Key", "Host")
        ],
    ],
    ids=str,
)
def test_option_that_cannot_work_is_refused_before_anything_is_sent(
    options: dict[str, Any], caller: Caller, server: Script
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the messages differ
        caller(lambda client: client.payments.cancel("pay_1", **options))
    assert "sk_secret" not in str(caught.value)
    assert server.received == []


@pytest.mark.parametrize("name", ["timeout", "idempotency_kye", "retries"])
def test_option_that_does_not_exist_is_refused_before_anything_is_sent(
    name: str, caller: Caller, server: Script
) -> None:
    """As every function in Python refuses it: passed over, a misspelt key would charge twice."""
    with pytest.raises(TypeError, match=name):
        caller(lambda client: client.payments.cancel("pay_1", **{name: "1"}))
    with pytest.raises(TypeError, match=name):
        caller.items(lambda client: client.refunds.list(**{name: "1"}))
    assert server.received == []
