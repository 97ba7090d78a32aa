"""Every answer that is not a success is a typed error, whatever it holds."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_answers import CONTRACT, created
from misbehaving_server import Script, Step, answer, problem
from sdk_callers import Caller

import payrail_sdk
from payrail_sdk import errors
from payrail_sdk._problems import _BY_CODE, error_class, retry_after_s

KEY, NUMBER, CVC = "sk_secret_key", "4242424242424242", "737"


def codes_in_contract() -> Iterator[tuple[int, str]]:
    for item in CONTRACT["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                yield from _codes(operation["responses"])


def _codes(responses: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for status, response in responses.items():
        while "$ref" in response:
            response = CONTRACT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]  # noqa: PLW2901
        schema = response.get("content", {}).get("application/problem+json", {}).get("schema", {})
        for part in schema.get("allOf", []):
            for code in part.get("properties", {}).get("code", {}).get("enum", []):
                yield int(status), code


CODES = sorted(set(codes_in_contract()))


def test_the_contract_names_codes() -> None:
    assert (409, "idempotency_in_progress") in CODES
    assert (401, "unauthorized") in CODES


@pytest.mark.parametrize(("status", "code"), CODES)
def test_every_code_of_the_contract_is_a_type_that_belongs_to_its_status(status: int, code: str) -> None:
    kind = error_class(status, code)
    assert kind not in (errors.ApiError, errors.UnreadableAnswer)
    assert issubclass(kind, error_class(status, None))


def test_the_sdk_knows_no_code_that_the_contract_does_not() -> None:
    assert set(_BY_CODE) <= {code for _, code in CODES}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_query", "InvalidRequest"),
        (401, "unauthorized", "AuthenticationError"),
        (403, "forbidden", "PermissionDenied"),
        (404, "payment_not_found", "NotFound"),
        (405, "method_not_allowed", "InvalidRequest"),
        (409, "invalid_transition", "InvalidTransition"),
        (409, "operation_in_progress", "OperationInProgress"),
        (409, "something_new", "Conflict"),
        (413, "payload_too_large", "InvalidRequest"),
        (422, "validation_failed", "ValidationFailed"),
        (422, "sensitive_data", "SensitiveData"),
        (422, "card_expired", "CardError"),
        (422, "idempotency_key_reused", "IdempotencyKeyReused"),
        (500, "internal_error", "InternalServerError"),
        (507, "something_new", "InternalServerError"),
    ],
)
def test_problem_becomes_the_error_of_its_code_or_status(
    status: int, code: str, kind: str, caller: Caller, server: Script
) -> None:
    server.then(problem(status, code, detail="What happened.", x_correlation_id="c-1"))
    with pytest.raises(errors.ApiError) as caught:
        caller(lambda client: client.payments.get("pay_1"))
    error = caught.value
    assert type(error) is getattr(payrail_sdk, kind)
    assert (error.status, error.code, error.title, error.detail) == (
        status,
        code,
        "A title",
        "What happened.",
    )
    assert error.correlation_id == "c-1"
    assert error.idempotency_key is None
    assert error.headers["content-type"] == "application/problem+json"
    assert str(error) == f"{status} {code}: What happened. (correlation id c-1)"


def test_validation_error_names_each_field_and_survives_malformed_ones(
    caller: Caller, server: Script
) -> None:
    faults = [{"pointer": "/amount", "message": "must be at least 1"}, {"pointer": 3}, "what", None]
    server.then(answer(422, {"code": "validation_failed", "errors": faults}))
    with pytest.raises(errors.ValidationFailed) as caught:
        caller(lambda client: client.payments.cancel("pay_1"))
    assert [(fault.pointer, fault.message) for fault in caught.value.errors] == [
        ("/amount", "must be at least 1")
    ]


def test_message_of_a_validation_error_names_the_first_fields(caller: Caller, server: Script) -> None:
    """What a traceback or a log shows tells what to mend; `errors` has all of it."""
    faults = [{"pointer": f"/{name}", "message": "is required"} for name in ("a", "b", "c", "d", "e")]
    steps = [
        answer(422, {"code": "validation_failed", "detail": "It is not valid.", "errors": these})
        for these in (
            [{"pointer": "", "message": "must be an object"}],
            faults[:2],
            faults,
            [{"pointer": "limit", "message": "is what the detail says already"}],
        )
    ]
    server.then(*steps)
    shown = []
    for _ in steps:
        with pytest.raises(errors.ValidationFailed) as caught:
            caller(lambda client: client.payments.cancel("pay_1", correlation_id="c-1"))
        shown.append(str(caught.value).removeprefix("422 validation_failed: It is not valid. "))
    assert shown == [
        "The body must be an object (correlation id c-1)",
        "/a is required; /b is required (correlation id c-1)",
        "/a is required; /b is required; /c is required; 2 more (correlation id c-1)",
        "(correlation id c-1)",
    ]


GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "HTML": b"<html><h1>502 Bad Gateway</h1></html>",
    "half of it": b'{"code": "validation_f',
    "not UTF-8": b'{"code": "\xff\xfe"}',
    "a list": b"[1, 2]",
    "a number": b"17",
    "wrong types": b'{"code": 7, "title": [], "detail": {}, "errors": "x", "correlation_id": 1}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize(
    ("status", "kind"), [(400, errors.InvalidRequest), (500, errors.InternalServerError)]
)
def test_error_answer_of_any_body_is_a_typed_error(
    status: int, kind: type[errors.ApiError], body: bytes, caller: Caller, server: Script
) -> None:
    server.then(answer(status, body))
    with pytest.raises(errors.ApiError) as caught:
        caller(lambda client: client.payments.get("pay_1"))
    assert type(caught.value) is kind
    assert caught.value.code is None
    assert caught.value.body == body
    assert caught.value.correlation_id == server.received[0].headers["x-correlation-id"]


def without(name: str) -> Any:
    document = created()
    del document[name]
    return document


UNREADABLE: dict[str, Step] = {
    **{name: answer(201, body) for name, body in GARBAGE.items()},
    "a field is missing": answer(201, without("state")),
    "an unknown state": answer(201, created() | {"state": "CONFUSED"}),
    "not a time": answer(201, created() | {"created_at": "yesterday"}),
    "no content": answer(204),
    "another status": answer(226, created()),
    "a redirect": answer(307, b"", location="http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("step", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_answer_that_the_contract_does_not_know_is_a_typed_error(
    step: Step, caller: Caller, server: Script
) -> None:
    server.then(step)
    with pytest.raises(errors.UnreadableAnswer) as caught:
        caller(
            lambda client: client.payments.create(amount=1, currency="EUR", payment_method={"token": "tok_1"})
        )
    assert caught.value.idempotency_key == server.keys[0]
    assert len(server.received) == 1


def test_value_that_cannot_be_sent_is_the_callers_own_error(caller: Caller, server: Script) -> None:
    """It is not mistaken for an answer that cannot be read, and nothing is sent."""
    with pytest.raises(TypeError, match="not JSON serializable"):
        caller(
            lambda client: client.payments.create(
                amount=object(), currency="EUR", payment_method={"token": "tok_1"}
            )
        )
    with pytest.raises(ValueError, match="payment_id"):
        caller(lambda client: client.payments.get(""))
    assert server.received == []


def test_no_error_shows_the_key_or_the_card(make_caller: Callable[..., Caller], server: Script) -> None:
    caller = make_caller(api_key=KEY, max_retries=0)
    card = {"card": {"number": NUMBER, "exp_month": 12, "exp_year": 2031}}
    server.then(problem(422, "validation_failed"), answer(201, b"{}"), problem(503, "vault_unavailable"))
    for _ in range(3):
        with pytest.raises(errors.PayRailError) as caught:
            caller(lambda client: client.payments.create(amount=1, currency="EUR", payment_method=card))
        shown = f"{caught.value!r} {caught.value} {vars(caught.value)}"
        assert KEY not in shown
        assert NUMBER not in shown
    server.then(problem(409, "invalid_transition"))
    with pytest.raises(errors.InvalidTransition) as conflict:
        caller(lambda client: client.payments.authorize("pay_1", cvc=CVC))
    assert CVC not in f"{conflict.value!r} {conflict.value} {vars(conflict.value)}"
    assert KEY not in repr(caller.client)


def test_error_survives_pickling_with_all_it_carries(caller: Caller, server: Script) -> None:
    server.then(problem(409, "invalid_transition"))
    with pytest.raises(errors.InvalidTransition) as caught:
        caller(lambda client: client.payments.cancel("pay_1"))
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - made in the line itself
    assert type(copy) is errors.InvalidTransition
    assert vars(copy) == vars(caught.value)
    assert str(copy) == str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        (
            {"retry-after": "Mon, 02 Mar 2026 09:15:30 GMT", "date": "Mon, 02 Mar 2026 09:15:00 GMT"},
            30,
        ),
        ({"retry-after": "Mon, 02 Mar 2026 09:14:00 GMT", "date": "Mon, 02 Mar 2026 09:15:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 02 Mar 99999999999999999999 09:15:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds
