"""Bad input of every kind, against every operation of the gateway: a problem with a code, never a 5xx, nothing written.

Operations and statuses are read from the contract, so that a new operation cannot be forgotten.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from secrets_scan import find_secrets
from stack_process import StackProcess
from waiting import LIMIT_S

CONTRACT = orjson.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())
ULID = "01JZ8Q4T5W8XK3V2N7M6R9S0AB"
CARD_NUMBER = "4242 4242 4242 4242"
METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    method: str
    path: str
    definition: dict[str, Any]

    @property
    def url(self) -> str:
        """The path with values that look right and name nothing."""
        prefixes = {
            "payment": "pay",
            "refund": "ref",
            "dispute": "dsp",
            "customer": "cus",
            "endpoint": "whe",
            "event": "evt",
            "dead_letter": "dlq",
        }
        values = {f"{noun}_id": f"{prefix}_{ULID}" for noun, prefix in prefixes.items()}
        values |= {
            "provider_id": "providerA",
            "date": "2026-03-02",
            "break_id": "brk_MTXNQHGVRZKWJSPYMTXNQHGV",
        }
        return self.path.format(**values)

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.definition

    @property
    def headers(self) -> dict[str, str]:
        """The headers that it requires beside a key."""
        parameters = (_resolved(parameter) for parameter in self.definition["parameters"])
        return {p["name"]: p["example"] for p in parameters if p["in"] == "header" and p.get("required")}

    @property
    def takes_key(self) -> bool:
        """Whether it stands behind a key at all."""
        return bool(self.definition.get("security", True))


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    return dict(CONTRACT["components"]["parameters"][name]) if name else parameter


OPERATIONS = [
    Operation(method, path, item[method])
    for path, item in CONTRACT["paths"].items()
    for method in METHODS
    if method in item
]


def each(operations: Iterable[Operation]) -> pytest.MarkDecorator:
    cases = [pytest.param(operation, id=operation.definition["operationId"]) for operation in operations]
    return pytest.mark.parametrize("operation", cases)


each_with_body = each(operation for operation in OPERATIONS if operation.takes_body)
each_behind_a_key = each(operation for operation in OPERATIONS if operation.takes_key)

BODIES: dict[str, tuple[bytes, int, str]] = {
    "broken JSON": (b'{"amount": 1', 400, "malformed_json"),
    "no JSON": (b"\x00\x01\x02", 400, "*"),
    "NaN": (b'{"amount": NaN}', 400, "malformed_json"),
    "duplicate names": (b'{"amount": 1, "amount": 2}', 400, "malformed_json"),
    "invalid UTF-8": (b'{"x": "\xff\xfe"}', 400, "invalid_encoding"),
    "lone surrogate": (b'{"x": "\\ud800"}', 400, "invalid_encoding"),
    "NUL": (b'{"x": "a\\u0000b"}', 400, "invalid_encoding"),
    "deep nesting": (b"[" * 1000 + b"]" * 1000, 400, "too_deep"),
    "an array": (b"[]", 422, "validation_failed"),
    "a number": (b"7", 422, "validation_failed"),
    "an unknown field": (b'{"surprise": 1}', 422, "validation_failed"),
    "a card number": (orjson.dumps({"surprise": CARD_NUMBER}), 422, "sensitive_data"),
    "a card number as name": (orjson.dumps({CARD_NUMBER: "x"}), 422, "sensitive_data"),
    "too much": (b'{"x": "' + b"a" * 1_100_000 + b'"}', 413, "payload_too_large"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    stack = StackProcess(tmp_path_factory.mktemp("bad-input") / "data").start()
    yield stack
    stack.kill()
    assert find_secrets(stack.data_dir, stack.said()) == []


@pytest.fixture
def console(stack: StackProcess) -> Iterator[httpx.Client]:
    """An admin's client; whatever a test sends by it must write nothing."""
    before = written(stack.data_dir)
    with stack.client(stack.console_key) as client:
        client.headers.update({"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ann"})
        yield client
    assert written(stack.data_dir) == before


def written(data_dir: Path) -> dict[str, bytes]:
    """Everything that a refused request must leave as it is."""
    watched = [*(data_dir / "ledger").glob("*.jsonl"), *(data_dir / "vault").glob("tokens.json*")]
    return {file.name: file.read_bytes() for file in watched}


def send(client: httpx.Client, operation: Operation, **changes: Any) -> httpx.Response:
    """The operation with as much of it right as can be known; `changes` make it wrong."""
    right = {**operation.headers, "Idempotency-Key": "bad", "Content-Type": "application/json"}
    headers = {**right, **changes.pop("headers", {})}
    url = changes.pop("url", operation.url)
    return client.request(changes.pop("method", operation.method), url, headers=headers, **changes)


def assert_refused(operation: Operation, answer: httpx.Response, status: int, code: str = "*") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    assert code in ("*", problem["code"]), problem
    assert "4242" not in answer.text
    if status not in (404, 405):
        assert str(status) in operation.definition["responses"], f"{status} is not in the contract"


@each_with_body
@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_is_refused(console: httpx.Client, operation: Operation, kind: str) -> None:
    content, status, code = BODIES[kind]
    assert_refused(operation, send(console, operation, content=content), status, code)


@each_with_body
def test_a_body_in_chunks_is_limited_too_and_another_media_type_is_refused(
    console: httpx.Client, operation: Operation
) -> None:
    chunks = (b"[" + b" " * 65_536 for _ in range(20))
    assert_refused(operation, send(console, operation, content=chunks), 413, "payload_too_large")
    other = send(console, operation, content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert_refused(operation, other, 415, "unsupported_media_type")


@each_behind_a_key
def test_a_bad_key_is_refused(stack: StackProcess, operation: Operation) -> None:
    for headers in ({}, {"Authorization": "Bearer no-such-key"}, {"Authorization": "Basic eDp5"}):
        answer = httpx.request(
            operation.method, stack.url() + operation.url, headers=headers, timeout=LIMIT_S, trust_env=False
        )
        assert_refused(operation, answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


@each_behind_a_key
def test_bad_parameters_are_refused(console: httpx.Client, operation: Operation) -> None:
    unknown = send(console, operation, url=f"{operation.url}?surprise=1", content=b"{}")
    assert_refused(operation, unknown, 400, "unknown_parameter")
    number = send(console, operation, url=f"{operation.url}?surprise=4242424242424242", content=b"{}")
    assert number.status_code in (400, 422)
    if "{" in operation.path:
        for rubbish in ("x", "pay_1", "%00", "%ff", "..%2f..%2fetc", "4242424242424242"):
            url = re.sub(r"\{\w+\}", rubbish, operation.path)
            answer = send(console, operation, url=url, content=b"{}")
            assert answer.status_code in (400, 404, 422), (rubbish, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


@each(OPERATIONS)
def test_another_method_is_refused_with_all_that_are_allowed(
    console: httpx.Client, operation: Operation
) -> None:
    item = CONTRACT["paths"][operation.path]
    allowed = {method.upper() for method in METHODS if method in item}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = send(console, operation, method=method)
        assert_refused(operation, answer, 405, "method_not_allowed")
        listed = set(answer.headers["allow"].split(", "))
        assert listed - {"HEAD", "OPTIONS"} == allowed


def test_unknown_routes_are_problems_and_say_nothing_of_the_path(console: httpx.Client) -> None:
    for path in ("/nope", "/payments/", "/payments//", "/%00", "/4242424242424242", "/payments/x/y/z"):
        answer = console.get(path)
        assert answer.status_code in (400, 404), (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "4242" not in answer.text


def test_a_card_number_is_refused_wherever_free_text_may_stand(console: httpx.Client) -> None:
    body = {
        "amount": 1,
        "currency": "USD",
        "payment_method": {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}},
    }
    places: list[dict[str, Any]] = [
        {"description": f"paid with {CARD_NUMBER}"},
        {"merchant_reference": "4242-4242-4242-4242"},
        {"metadata": {"note": CARD_NUMBER}},
        {"metadata": {CARD_NUMBER: "note"}},
    ]
    for place in places:
        answer = console.post("/payments", json={**body, **place}, headers={"Idempotency-Key": "bad"})
        assert (answer.status_code, answer.json()["code"]) == (422, "sensitive_data"), place
    for headers in ({"Idempotency-Key": CARD_NUMBER.replace(" ", "")}, {"X-User-Id": "4242424242424242"}):
        answer = console.post("/payments", json=body, headers={"Idempotency-Key": "bad", **headers})
        assert (answer.status_code, answer.json()["code"]) == (422, "sensitive_data"), headers
