"""What may befall any operation, brought about at each: read from the contracts, so that none can be forgotten."""

from collections.abc import AsyncIterator
from typing import Any

import bundles
import httpx
import pytest
import pytest_asyncio
from bundles import PROBLEM_JSON, Operation
from requests_from_contracts import body_of, headers_of, keys_for, url_of

from payrail.cli.stack import Stack, embedded
from payrail.runtime import contract_app
from payrail.runtime.contract.calls import Answer, Call
from payrail.runtime.contract.document import ContractAPI
from payrail.runtime.settings import load_settings

OPERATIONS = bundles.operations()
CALLERS = ("gateway", "jobs", "seed")
CARD_NUMBER = "4242424242424242"
MUCH = b'{"x": "' + b"a" * (1 << 20) + b'"}'

pytestmark = pytest.mark.asyncio(loop_scope="module")
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


class HandlerIsBroken(Exception):
    """What a handler raises that nobody has thought of."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with embedded(load_settings(payrail_data_dir=tmp_path_factory.mktemp("any"))).alive() as stack:
        yield stack


async def send(stack: Stack, operation: Operation, **changes: Any) -> httpx.Response:
    """The operation as its contract shows it; `changes` make it wrong."""
    right = {
        **headers_of(operation),
        **keys_for(stack.settings, operation),
        "Content-Type": "application/json",
    }
    headers = {**right, **changes.pop("headers", {})}
    url = changes.pop("url", url_of(operation))
    body = {} if "content" in changes else {"json": body_of(operation)}
    transport = httpx.ASGITransport(stack.apps[operation.service])
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{operation.service}") as client:
        return await client.request(operation.method, url, headers=headers, **body, **changes)


def assert_is_documented(operation: Operation, answer: httpx.Response, status: int, *codes: str) -> None:
    """The answer is a problem with this status and a code that the contract lists for it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json()["code"] in codes
    media = operation.definition["responses"][str(status)]["content"][PROBLEM_JSON]
    assert bundles.faults(bundles.response_validator(media["schema"]), answer.json()) == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if "security" not in o.definition], ids=str)
async def test_without_a_key_it_is_401(stack: Stack, operation: Operation) -> None:
    answer = await send(stack, operation, headers={"Authorization": "Bearer nobodys"})
    assert_is_documented(operation, answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if set(CALLERS) - set(o.definition.get("x-callers", CALLERS))],
    ids=str,
)
async def test_a_service_that_may_not_call_it_gets_403(stack: Stack, operation: Operation) -> None:
    for caller in set(CALLERS) - set(operation.definition["x-callers"]):
        key = getattr(stack.settings, f"internal_api_key_{caller}")
        answer = await send(stack, operation, headers={"Authorization": f"Bearer {key}"})
        assert_is_documented(operation, answer, 403, "forbidden")


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if "x-required-role" in o.definition], ids=str)
async def test_an_identity_that_contradicts_the_key_is_403_and_half_of_one_400(
    stack: Stack, operation: Operation
) -> None:
    merchant = {"Authorization": f"Bearer {stack.settings.merchant_api_key}", "X-Merchant-Id": "m_acme"}
    assert_is_documented(operation, await send(stack, operation, headers=merchant), 403, "forbidden")
    half = {"X-Role": ""}
    assert_is_documented(operation, await send(stack, operation, headers=half), 400, "invalid_header")


QUERIES = {
    "surprise=1": "unknown_parameter",
    "surprise=%ff": "invalid_encoding",
    "&".join(f"p{number}=1" for number in range(300)): "invalid_parameter",
}


@each_operation
@pytest.mark.parametrize("query", QUERIES, ids=QUERIES.get)
async def test_a_query_that_is_not_as_described_is_400(
    stack: Stack, operation: Operation, query: str
) -> None:
    separator = "&" if "?" in url_of(operation) else "?"
    answer = await send(stack, operation, url=f"{url_of(operation)}{separator}{query}")
    assert_is_documented(operation, answer, 400, QUERIES[query])


BODIES = {
    b"{": "malformed_json",
    b'{"x": "\xff"}': "invalid_encoding",
    b'{"x": ' + b"[" * 65 + b"]" * 65 + b"}": "too_deep",
}


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=str)
@pytest.mark.parametrize("body", BODIES, ids=BODIES.get)
async def test_a_body_that_is_no_sound_json_is_400(stack: Stack, operation: Operation, body: bytes) -> None:
    assert_is_documented(operation, await send(stack, operation, content=body), 400, BODIES[body])


@each_operation
async def test_a_card_number_as_name_in_the_query_is_422(stack: Stack, operation: Operation) -> None:
    separator = "&" if "?" in url_of(operation) else "?"
    answer = await send(stack, operation, url=f"{url_of(operation)}{separator}{CARD_NUMBER}=1")
    assert_is_documented(operation, answer, 422, "sensitive_data")
    assert CARD_NUMBER not in answer.text


@each_operation
async def test_a_card_number_as_correlation_id_is_replaced(stack: Stack, operation: Operation) -> None:
    answer = await send(stack, operation, headers={"X-Correlation-Id": CARD_NUMBER})
    assert CARD_NUMBER not in answer.headers["x-correlation-id"]


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=str)
async def test_a_body_that_is_too_large_or_of_another_kind_is_413_or_415(
    stack: Stack, operation: Operation
) -> None:
    much = await send(stack, operation, content=MUCH)
    assert_is_documented(operation, much, 413, "payload_too_large")
    other = await send(stack, operation, content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert_is_documented(operation, other, 415, "unsupported_media_type")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def broken_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack in which every handler fails."""

    async def fail(_: Call) -> Answer:
        raise HandlerIsBroken(CARD_NUMBER)

    def broken_api(document: Any, *, handlers: Any, **rest: Any) -> Any:
        return ContractAPI(document, handlers=dict.fromkeys(handlers, fail), **rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contract_app, "ContractAPI", broken_api)
        stack = embedded(load_settings(payrail_data_dir=tmp_path_factory.mktemp("broken")))
    async with stack.alive():
        yield stack


@each_operation
async def test_a_fault_in_its_handler_is_a_500_that_says_nothing_of_it(
    broken_stack: Stack, operation: Operation
) -> None:
    answer = await send(broken_stack, operation)
    assert_is_documented(operation, answer, 500, "internal_error")
    assert "Handler" not in answer.text
    assert CARD_NUMBER not in answer.text
