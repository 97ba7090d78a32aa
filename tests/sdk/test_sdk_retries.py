"""What is tried again, after how long, and with which key."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from contract_answers import created, unknown
from misbehaving_server import (
    Script,
    Step,
    answer,
    bad_encoding,
    cut_off,
    never,
    no_http,
    problem,
    reset,
    silent_until,
)
from sdk_callers import Caller

from payrail_sdk import (
    ConnectionFailed,
    IdempotencyInProgress,
    InternalServerError,
    OperationInProgress,
    RateLimited,
    ServiceUnavailable,
    TimedOut,
)
from payrail_sdk._exchange import Exchange
from payrail_sdk._retry import RetryPolicy, wait_before_retry_s
from payrail_sdk._settings import Settings
from payrail_sdk.errors import ApiError, PayRailError

CARD = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}}


def create(client: Any, **more: Any) -> Any:
    return client.payments.create(amount=1234, currency="EUR", payment_method=CARD, **more)


PASSING: dict[str, Step] = {
    "503": problem(503, "provider_unavailable"),
    "502 of a proxy": answer(502, b"<html>Bad Gateway</html>", content_type="text/html"),
    "504 of a proxy": answer(504),
    "429": problem(429, "too_many_requests"),
    "first one still running": problem(409, "idempotency_in_progress", retry_after="0"),
    "reset": reset,
    "cut off": cut_off,
    "not HTTP": no_http,
    "not the encoding it says": bad_encoding,
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING.keys())
def test_passing_failure_is_tried_again_with_the_same_key_and_body(
    failure: Step, caller: Caller, server: Script
) -> None:
    server.then(failure, failure, answer(201, created()))
    payment = caller(create)
    assert payment.state == "CREATED"
    assert len(server.received) == 3
    assert server.keys[0]
    assert len(set(server.keys)) == 1
    assert len({request.body for request in server.received}) == 1
    assert len({request.headers["x-correlation-id"] for request in server.received}) == 1
    assert len(caller.waits) == 2


def test_time_out_is_tried_again_with_the_same_key(
    make_caller: Callable[..., Caller], server: Script
) -> None:
    """The server is silent until the client tries again, and only the first try has a limit."""
    caller, tried_again = make_caller(timeout_s=0.2), threading.Event()

    def wait_for_the_second(request: httpx.Request) -> None:
        if len(caller.tries) > 1:
            request.extensions["timeout"] = {}
            tried_again.set()

    caller.on_try = wait_for_the_second
    server.then(*[silent_until(tried_again, answer(201, created()))] * 2)
    assert caller(create).state == "CREATED"
    first, second = (request.headers["idempotency-key"] for request in caller.tries)
    assert first == second


def test_every_call_has_a_key_of_its_own(caller: Caller, server: Script) -> None:
    server.then(answer(201, created()), answer(201, created()))
    caller(create)
    caller(create)
    assert len(set(server.keys)) == 2


def test_given_key_is_sent_as_it_is(caller: Caller, server: Script) -> None:
    server.then(problem(503, "vault_unavailable"), answer(201, created()))
    caller(lambda client: create(client, idempotency_key="order-1042"))
    assert server.keys == ["order-1042", "order-1042"]


@pytest.mark.parametrize("retries_max", [0, 1, 3])
def test_gives_up_after_max_retries_and_raises_the_last_failure(
    retries_max: int, make_caller: Callable[..., Caller], server: Script
) -> None:
    caller = make_caller(max_retries=retries_max)
    server.then(*[problem(503, "vault_unavailable")] * 9)
    with pytest.raises(ServiceUnavailable):
        caller(create)
    assert len(server.received) == 1 + retries_max


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (problem(409, "operation_in_progress", retry_after="1"), OperationInProgress),
        (problem(500, "internal_error"), InternalServerError),
        (answer(500, b""), InternalServerError),
    ],
    ids=["operation in progress", "fault", "fault without a body"],
)
def test_failure_that_will_not_pass_is_raised_at_once(
    failure: Step, error: type[ApiError], caller: Caller, server: Script
) -> None:
    server.then(failure)
    with pytest.raises(error):
        caller(lambda client: client.payments.capture("pay_1"))
    assert len(server.received) == 1
    assert caller.waits == []


def test_unknown_outcome_is_a_payment_and_is_not_tried_again(caller: Caller, server: Script) -> None:
    server.then(answer(202, unknown(), retry_after="1"))
    assert caller(lambda client: client.payments.authorize("pay_1")).state == "UNKNOWN"
    assert len(server.received) == 1


def test_retry_after_is_waited_for(caller: Caller, server: Script) -> None:
    server.then(problem(409, "idempotency_in_progress", retry_after="17"), answer(201, created()))
    caller(create)
    assert caller.waits == [17.0]


def test_retry_after_as_a_date_counts_from_the_answers_own_date(caller: Caller, server: Script) -> None:
    """The stdlib server sends its own Date as well; a second one would be joined to it, so both lie far off."""
    server.then(
        problem(503, "vault_unavailable", retry_after="Thu, 01 Jan 1970 00:00:00 GMT"),
        answer(201, created()),
    )
    caller(create)
    assert 0 <= caller.waits[0] <= 0.5


def test_longer_wait_than_is_reasonable_is_left_to_the_caller(caller: Caller, server: Script) -> None:
    server.then(problem(503, "vault_unavailable", retry_after="3600"))
    with pytest.raises(ServiceUnavailable) as caught:
        caller(create)
    assert caught.value.retry_after_s == 3600
    assert caller.waits == []


def test_all_waits_of_one_call_add_up(make_caller: Callable[..., Caller], server: Script) -> None:
    caller = make_caller(max_retries=9)
    server.then(*[problem(503, "vault_unavailable", retry_after="25")] * 9)
    with pytest.raises(ServiceUnavailable):
        caller(create)
    assert caller.waits == [25.0, 25.0]


def test_lost_answer_leaves_the_key_on_the_error(make_caller: Callable[..., Caller], server: Script) -> None:
    """The caller of a failed call needs the key that was made for it, or could not repeat it safely."""
    caller = make_caller(max_retries=1)
    server.then(reset, reset)
    with pytest.raises(ConnectionFailed) as caught:
        caller(create)
    assert caught.value.idempotency_key == server.keys[0]
    assert caught.value.correlation_id == server.received[0].headers["x-correlation-id"]


def test_time_out_is_an_error_of_its_own(make_caller: Callable[..., Caller], server: Script) -> None:
    caller = make_caller(max_retries=0, timeout_s=0.2)
    server.then(never)
    with pytest.raises(TimedOut) as caught:
        caller(create)
    assert not isinstance(caught.value, ConnectionFailed)
    assert caught.value.idempotency_key == caller.tries[0].headers["idempotency-key"]


def test_refused_connection_is_tried_again_and_then_raised(make_caller: Callable[..., Caller]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        caller = make_caller(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ConnectionFailed):
            caller(lambda client: client.payments.get("pay_1"))
    assert len(caller.waits) == 2


def test_change_without_a_key_is_never_made_twice() -> None:
    """No operation of today is one; an operation added tomorrow must not be repeated by accident."""
    settings = Settings("http://127.0.0.1", {}, 1, RetryPolicy(9))
    for method, headers in (("post", {}), ("delete", {}), ("get", {}), ("post", {"Idempotency-Key": "k"})):
        exchange = Exchange(settings, "c-1")
        exchange.request({"method": method, "url": "/things", "headers": headers})
        if method == "get" or headers:
            assert exchange.lost(httpx.ReadError("lost")) >= 0
        else:
            with pytest.raises(ConnectionFailed):
                exchange.lost(httpx.ReadError("lost"))


def error(kind: type[ApiError] = ServiceUnavailable, after_s: float | None = None) -> PayRailError:
    return kind("it failed", status=503, title="It failed", correlation_id="c-1", retry_after_s=after_s)


def test_waits_double_up_to_the_longest_and_jitter_takes_its_part() -> None:
    policy = RetryPolicy(retries_max=100, waits_total_max_s=1e9)
    longest = [
        wait_before_retry_s(policy, error(), retries=retries, waited_s=0, jitter=1) for retries in range(7)
    ]
    assert longest == [0.5, 1, 2, 4, 8, 8, 8]
    assert wait_before_retry_s(policy, error(), retries=2, waited_s=0, jitter=0.25) == 0.5
    assert wait_before_retry_s(policy, error(), retries=0, waited_s=0, jitter=0) == 0
    assert wait_before_retry_s(RetryPolicy(10**6), error(), retries=10**5, waited_s=0, jitter=1) == 8


def test_retry_after_is_never_undercut_nor_does_it_shorten_a_wait() -> None:
    policy = RetryPolicy(retries_max=9)
    assert wait_before_retry_s(policy, error(after_s=3), retries=0, waited_s=0, jitter=0) == 3
    assert wait_before_retry_s(policy, error(after_s=1), retries=4, waited_s=0, jitter=1) == 8


def test_all_waits_of_a_call_are_bounded_together() -> None:
    policy = RetryPolicy(retries_max=9)
    assert wait_before_retry_s(policy, error(after_s=20), retries=2, waited_s=40, jitter=0) == 20
    assert wait_before_retry_s(policy, error(after_s=21), retries=2, waited_s=40, jitter=0) is None


@pytest.mark.parametrize("kind", [IdempotencyInProgress, RateLimited, ServiceUnavailable])
def test_failures_that_may_pass_are_worth_a_retry(kind: type[ApiError]) -> None:
    assert wait_before_retry_s(RetryPolicy(1), error(kind), retries=0, waited_s=0, jitter=0) == 0
    assert wait_before_retry_s(RetryPolicy(1), error(kind), retries=1, waited_s=0, jitter=0) is None
