"""What leaves the contract app: answers as in the contract, problems, correlation ids and log lines."""

import re
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any
from urllib.parse import urljoin

import orjson
import pytest
from toy_service import (
    AUTHORIZED,
    BOX_ID,
    CARD,
    CONTRACT,
    KEYED,
    BoxLockedError,
    BoxLockedTwiceError,
    Toy,
    ToyError,
    new_box,
)

from payrail.runtime.contract_app import Answer, ContractError, build_contract_app
from payrail.runtime.problems import ErrorTable, Problem

pytestmark = pytest.mark.asyncio

GOOD_BOX = {"id": BOX_ID, "label": None}


async def outcome_of(toy: Toy, outcome: Answer | Exception) -> Any:
    toy.outcome = outcome
    async with toy.client() as client:
        return await client.post("/outcomes")


async def test_an_answer_as_in_the_contract_goes_out(toy: Toy) -> None:
    response = await outcome_of(toy, Answer(200, GOOD_BOX, {"X-More": "1"}))
    assert (response.status_code, response.json()) == (200, GOOD_BOX)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-more"] == "1"


async def test_json_that_is_already_written_goes_out_byte_for_byte(toy: Toy) -> None:
    written = b'{ "label":null,"id" : "box" }'
    assert (await outcome_of(toy, Answer(200, written))).content == written


async def test_other_media_types_go_out_as_text_bytes_or_stream(toy: Toy) -> None:
    async def rows() -> AsyncIterator[bytes]:
        yield b"a,"
        yield b"b\n"

    for body in ("a,b\n", b"a,b\n", rows()):
        response = await outcome_of(toy, Answer(202, body, media_type="text/csv; charset=utf-8"))
        assert (response.status_code, response.text) == (202, "a,b\n")
        assert response.headers["content-type"] == "text/csv; charset=utf-8"


async def test_no_content_has_neither_body_nor_type(toy: Toy) -> None:
    async with toy.client() as client:
        response = await client.delete(f"/boxes/{BOX_ID}", headers=AUTHORIZED)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert "content-length" not in response.headers


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(200, {"id": 7, "label": None}), "/id must be of type string"),
        (Answer(200, {"label": None}), "/id is required"),
        (Answer(200, {**GOOD_BOX, "secret": CARD}), "members that are not known: secret"),
        (Answer(200, {**GOOD_BOX, "cvc": "123"}), "members that are not known: cvc"),
        (Answer(200, b'{"id": 7}'), "/id must be of type string"),
        (Answer(201, GOOD_BOX), "status 201 is not in the contract"),
        (Answer(200, "text", media_type="text/plain"), "no text/plain in the contract"),
        (Answer(202, {"a": 1}, media_type="text/csv"), "type dict has no text form"),
        (Answer(200, GOOD_BOX, {"X-Bad": "a\r\nSet-Cookie: x"}), "value that no header may have"),
        (Answer(200, {**GOOD_BOX, "body": object()}), "not JSON serializable"),
        (ToyError(), "status 418 is not in the contract"),
        (Problem(400, "Bad Code", "T"), "/code must match"),
        (RuntimeError(f"inner {CARD}"), "inner [card number]"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_a_fault_of_ours_is_logged_in_full_and_told_as_nothing(
    toy: Toy, answer: Answer | Exception, why: str
) -> None:
    response = await outcome_of(toy, answer)
    assert response.status_code == 500
    document = response.json()
    assert document["code"] == "internal_error"
    assert set(document) == {"type", "title", "status", "detail", "instance", "code", "correlation_id"}
    failure, request = toy.log_lines()
    assert why in failure["traceback"]
    assert failure["correlation_id"] == document["correlation_id"]
    assert CARD not in str(failure)
    assert (request["status"], request["code"]) == (500, "internal_error")


async def test_a_documented_no_body_must_stay_without(toy: Toy) -> None:
    async def delete(_: Any) -> Answer:
        return Answer(204, {"a": 1})

    toy.delete = delete  # type: ignore[method-assign, assignment]
    toy.app = toy.build()
    async with toy.client() as client:
        assert (await client.delete(f"/boxes/{BOX_ID}", headers=AUTHORIZED)).status_code == 500


async def test_a_services_errors_become_problems_by_its_table(toy: Toy) -> None:
    response = await outcome_of(toy, BoxLockedTwiceError("held by another"))
    assert response.status_code == 409
    assert response.headers["retry-after"] == "1"
    document = response.json()
    assert (document["code"], document["detail"]) == ("box_locked", "held by another")
    assert document["processed"] is False
    assert "inner detail" not in response.text


async def test_a_required_header_of_an_answer_must_be_there(toy: Toy) -> None:
    contract = deepcopy(CONTRACT)
    contract["paths"]["/outcomes"]["post"]["responses"]["200"]["headers"] = {
        "ETag": {"required": True, "schema": {"type": "string"}}
    }
    toy.app = toy.build(contract)
    assert (await outcome_of(toy, Answer(200, GOOD_BOX))).status_code == 500
    assert (await outcome_of(toy, Answer(200, GOOD_BOX, {"etag": "1"}))).status_code == 200


async def test_ranges_and_default_document_a_status_too(toy: Toy) -> None:
    contract = deepcopy(CONTRACT)
    responses = contract["paths"]["/outcomes"]["post"]["responses"]
    responses["4XX"], responses["default"] = responses["409"], responses["200"]
    toy.app = toy.build(contract)
    assert (await outcome_of(toy, ToyError())).status_code == 418
    assert (await outcome_of(toy, Answer(299, GOOD_BOX))).status_code == 299


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("order-1042", True),
        ("~!{}<>", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        (f"order-{CARD}", False),
    ],
)
async def test_a_correlation_id_is_kept_or_made(toy: Toy, given: str, kept: bool) -> None:
    async with toy.client() as client:
        for path in ("/health", "/nope", "/docs/", "/openapi.json", "/docs/nope.js", "/boxes"):
            response = await client.get(path, headers={"X-Correlation-Id": given})
            answered = response.headers["x-correlation-id"]
            assert (answered == given) is kept
            assert answered
    lines = toy.log_lines()
    assert all((line["correlation_id"] == given) is kept for line in lines)
    assert CARD not in str(lines)


async def test_a_correlation_id_that_stands_twice_is_neither(toy: Toy) -> None:
    async with toy.client() as client:
        headers = [("X-Correlation-Id", "a"), ("X-Correlation-Id", "b")]
        response = await client.get("/health", headers=headers)
    assert response.headers["x-correlation-id"] not in ("a", "b", "a, b")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("nonsense", False),
    ],
)
async def test_a_trace_context_is_taken_if_well_formed(toy: Toy, given: str, taken: bool) -> None:
    async with toy.client() as client:
        await client.get("/health", headers={"traceparent": given})
    assert toy.calls[0].traceparent == (given if taken else None)


async def test_each_request_leaves_one_line_without_secrets(toy: Toy) -> None:
    card = new_box(method={"card": {"number": CARD, "cvc": "a-cvc"}}, label="free text")
    async with toy.client() as client:
        await client.post("/boxes", json=card, headers=KEYED)
        await client.get(f"/x/{CARD}?{CARD}", headers=AUTHORIZED)
        await client.get("/boxes?limit=x", headers=AUTHORIZED)
        await client.request(CARD, "/boxes")
    created, unknown, invalid, method = toy.log_lines()
    assert created.pop("time").endswith("Z")
    assert created.pop("duration_ms") > 0
    assert created.pop("correlation_id")
    assert created == {
        "service": "toy",
        "operation": "create_box",
        "method": "POST",
        "route": "/boxes",
        "status": 201,
        "code": None,
        "caller": "gateway",
        "box_id": BOX_ID,
    }
    assert (unknown["route"], unknown["operation"], unknown["code"]) == (None, None, "not_found")
    assert (invalid["operation"], invalid["status"], invalid["code"]) == (
        "list_boxes",
        400,
        "invalid_parameter",
    )
    assert (method["method"], method["code"]) == ("other", "method_not_allowed")
    for secret in (CARD.encode(), b"good-key", b"order-1", b"a-cvc", b"free text"):
        assert secret not in toy.log.getvalue()


async def test_the_served_document_is_the_contract_on_its_own_host(toy: Toy) -> None:
    async with toy.client() as client:
        document = (await client.get("/openapi.json")).json()
    assert document == {**CONTRACT, "servers": [{"url": "/"}]}


async def test_swagger_ui_is_served_whole_from_here(toy: Toy) -> None:
    async with toy.client() as client:
        page = await client.get("/docs/")
        assert page.status_code == 200
        assert 'url: "contract.json"' in page.text
        assert "http://" not in page.text
        assert "https://" not in page.text
        for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-config.json", "contract.json"):
            answer = await client.get(f"/docs/{asset}")
            assert answer.status_code == 200
            assert answer.headers["content-security-policy"].startswith("default-src 'self';")


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_swagger_ui_answers_with_and_without_a_slash_and_loads_what_is_there(
    toy: Toy, path: str
) -> None:
    """Nobody is sent on: what does not follow redirects gets the page, too."""
    async with toy.client() as client:
        page = await client.get(path)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        loaded = re.findall(r'(?:href|src)="([^"]+)"|[uU]rl: "([^"]+)"', page.text)
        assert len(loaded) == 7
        for name in (one or other for one, other in loaded):
            assert (await client.get(urljoin(path, name))).status_code == 200, name
        bare = await client.head(path)
        assert (bare.status_code, bare.headers["content-length"]) == (200, page.headers["content-length"])


@pytest.mark.parametrize(
    "path", ["/docs/../contract", "/docs/%2e%2e/x", "/docs/%00", "/docsx", "/docs/" + "x" * 5000]
)
async def test_nothing_else_is_served_beside_it(toy: Toy, path: str) -> None:
    async with toy.client() as client:
        response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_the_contract_is_served_below_its_base_path(toy: Toy) -> None:
    toy.app = toy.build({**CONTRACT, "servers": [{"url": "http://127.0.0.1/v1"}]})
    async with toy.client() as client:
        assert (await client.get("/v1/health")).status_code == 200
        assert (await client.get("/v1/openapi.json")).json()["servers"] == [{"url": "/v1"}]
        assert (await client.get("/health")).status_code == 404


async def test_the_lifespan_is_entered_and_left(toy: Toy) -> None:
    incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(incoming)

    async def send(message: Any) -> None:
        sent.append((message["type"], list(toy.events)))

    await toy.app({"type": "lifespan"}, receive, send)
    assert sent == [
        ("lifespan.startup.complete", ["started"]),
        ("lifespan.shutdown.complete", ["started", "stopped"]),
    ]


async def test_a_client_that_hangs_up_gets_no_answer_and_a_line(toy: Toy) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pytest.fail("nobody listens")

    headers = [(name.lower().encode(), value.encode()) for name, value in KEYED.items()]
    scope = {"type": "http", "method": "POST", "path": "/boxes", "query_string": b"", "headers": headers}
    await toy.app(scope, receive, send)
    (line,) = toy.log_lines()
    assert (line["status"], line["code"]) == (499, "client_gone")
    assert toy.calls == []


def build_with(contract: dict[str, Any], handlers: dict[str, Any]) -> Any:
    return build_contract_app(
        service="x", contract=contract, handlers=handlers, authenticate={}, errors=ErrorTable({})
    )


SMALL = {
    "openapi": "3.0.3",
    "info": {"title": "Small", "version": "1"},
    "paths": {"/a": {"get": {"operationId": "get_a", "responses": {"200": {"description": "ok"}}}}},
}


async def handler(_: Any) -> Answer:
    return Answer(200)


async def test_an_operation_without_handler_or_a_handler_without_operation_stops_the_start() -> None:
    build_with(SMALL, {"get_a": handler})
    with pytest.raises(ContractError, match=r"without a handler: \['get_a'\]"):
        build_with(SMALL, {})
    with pytest.raises(ContractError, match=r"without an operation: \['get_b'\]"):
        build_with(SMALL, {"get_a": handler, "get_b": handler})


@pytest.mark.parametrize(
    "security", [[{"Unknown": []}], [{}], [{"Basic": []}], [{"Cookie": []}], [{"Bearer": []}]]
)
async def test_security_that_could_not_be_enforced_stops_the_start(security: Any) -> None:
    contract = deepcopy(SMALL)
    contract["security"] = security
    contract["components"] = {
        "securitySchemes": {
            "Basic": {"type": "http", "scheme": "basic"},
            "Bearer": {"type": "http", "scheme": "bearer"},
            "Cookie": {"type": "apiKey", "in": "cookie", "name": "c"},
        }
    }
    with pytest.raises(ContractError, match="get_a"):
        build_with(contract, {"get_a": handler})


async def test_building_leaves_the_given_contract_as_it_was() -> None:
    before = orjson.dumps(CONTRACT)
    Toy()
    assert orjson.dumps(CONTRACT) == before


async def test_a_locked_box_is_a_conflict(toy: Toy) -> None:
    assert (await outcome_of(toy, BoxLockedError("x"))).status_code == 409
