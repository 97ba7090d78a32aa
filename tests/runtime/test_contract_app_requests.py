"""What the contract app lets in, what it refuses, and with which problem."""

import gzip
from typing import Any

import httpx
import pytest
from toy_service import AUTHORIZED, BOX_ID, CARD, KEYED, Toy, new_box

pytestmark = pytest.mark.asyncio


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    document = response.json()
    assert (response.status_code, document["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == status
    assert document["type"] == f"/problems/{code}"
    assert document["title"]
    assert document["detail"]
    assert document["correlation_id"] == response.headers["x-correlation-id"]
    assert CARD not in response.text
    return document  # type: ignore[no-any-return]


async def test_a_valid_request_reaches_its_handler_with_typed_values(toy: Toy) -> None:
    async with toy.client() as client:
        query = "limit=5&state=OPEN&state=SHUT&heavy=true&ratio=0.5&day=2026-11-22&q=a%20b%2B"
        response = await client.get(f"/boxes?{query}", headers={**AUTHORIZED, "X-Depth": "3"})
    assert response.status_code == 200
    call = toy.calls[0]
    assert call.query == {
        "limit": 5,
        "state": ["OPEN", "SHUT"],
        "heavy": True,
        "ratio": 0.5,
        "day": "2026-11-22",
        "q": "a b+",
    }
    assert call.headers == {"x-depth": 3}
    assert (call.operation, call.caller.name) == ("list_boxes", "gateway")


async def test_defaults_are_filled_in(toy: Toy) -> None:
    async with toy.client() as client:
        await client.get("/boxes", headers=AUTHORIZED)
    assert toy.calls[0].query == {"limit": 20}
    assert toy.calls[0].headers == {"x-depth": 1}


async def test_a_body_reaches_its_handler_parsed_and_raw(toy: Toy) -> None:
    raw = b'{"amount": 1, "method": {"card": {"number": "4242424242424242", "cvc": "123"}}, "label": null}'
    async with toy.client() as client:
        response = await client.post(
            "/boxes", content=raw, headers={**KEYED, "Content-Type": "application/json; charset=utf-8"}
        )
    assert response.status_code == 201
    assert toy.calls[0].raw_body == raw
    assert toy.calls[0].body["method"]["card"]["number"] == CARD
    assert toy.calls[0].headers == {"idempotency-key": "order-1"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_parameter"),
        ("limit=101", "invalid_parameter"),
        ("limit=", "invalid_parameter"),
        ("limit=1.0", "invalid_parameter"),
        ("limit=1e1", "invalid_parameter"),
        ("limit=" + "9" * 5000, "invalid_parameter"),
        ("limit=1&limit=2", "invalid_parameter"),
        ("state=LOST", "invalid_parameter"),
        ("heavy=yes", "invalid_parameter"),
        ("ratio=nan", "invalid_parameter"),
        ("day=2026-13-45", "invalid_parameter"),
        ("q=" + "x" * 51, "invalid_parameter"),
        ("colour=red", "unknown_parameter"),
        ("colour", "unknown_parameter"),
        ("limit[]=1", "unknown_parameter"),
        ("q=%FF", "invalid_encoding"),
        ("%ED%A0%80=1", "invalid_encoding"),
        ("q=a%00b", "invalid_encoding"),
        ("&".join(f"q={n}" for n in range(500)), "invalid_parameter"),
    ],
)
async def test_a_bad_query_is_refused(toy: Toy, query: str, code: str) -> None:
    async with toy.client() as client:
        response = await client.get(f"/boxes?{query}", headers=AUTHORIZED)
    assert_problem(response, 400, code)
    assert toy.calls == []


@pytest.mark.parametrize("segment", ["x", "box_1", BOX_ID.lower(), f"{BOX_ID}x", "a%2Fb", "%20"])
async def test_an_id_that_is_none_is_a_bad_parameter(toy: Toy, segment: str) -> None:
    async with toy.client() as client:
        document = assert_problem(
            await client.get(f"/boxes/{segment}", headers=AUTHORIZED), 400, "invalid_parameter"
        )
    assert document["errors"] == [{"pointer": "box_id", "message": "must match ^box_[0-9A-HJKMNP-TV-Z]{26}$"}]


@pytest.mark.parametrize("segment", ["%FF", "%ED%A0%80", "a%00b"])
async def test_a_path_that_is_no_text_is_refused(toy: Toy, segment: str) -> None:
    async with toy.client() as client:
        assert_problem(await client.get(f"/labels/{segment}", headers=AUTHORIZED), 400, "invalid_encoding")


async def test_an_encoded_slash_belongs_to_its_segment(toy: Toy) -> None:
    async with toy.client() as client:
        response = await client.get("/labels/a%2Fb%20c", headers=AUTHORIZED)
    assert response.json() == {"name": "a/b c"}


@pytest.mark.parametrize(
    "path", ["/", "/boxes/", f"/boxes/{BOX_ID}/", "//boxes", "/nope", "/Boxes", "/openapi.yaml", f"/x/{CARD}"]
)
async def test_an_unknown_path_is_not_found_and_never_redirected(toy: Toy, path: str) -> None:
    async with toy.client() as client:
        response = await client.get(path, headers=AUTHORIZED)
    assert_problem(response, 404, "not_found")


async def test_a_fixed_segment_wins_over_a_parameter(toy: Toy) -> None:
    async with toy.client() as client:
        response = await client.get("/boxes/newest", headers=AUTHORIZED)
    assert response.json()["id"] == "newest"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/boxes", "GET, HEAD, POST"),
        ("OPTIONS", "/boxes", "GET, HEAD, POST"),
        ("POST", f"/boxes/{BOX_ID}", "DELETE, GET, HEAD"),
        ("HEAD", "/outcomes", "POST"),
        ("DELETE", "/docs", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_names_all_that_are_allowed(
    toy: Toy, method: str, path: str, allow: str
) -> None:
    async with toy.client() as client:
        response = await client.request(method, path, headers=AUTHORIZED)
    assert response.status_code == 405
    assert response.headers["allow"] == allow
    if method != "HEAD":
        assert_problem(response, 405, "method_not_allowed")


async def test_head_answers_as_get_without_a_body(toy: Toy) -> None:
    async with toy.client() as client:
        got = await client.get(f"/boxes/{BOX_ID}", headers=AUTHORIZED)
        head = await client.head(f"/boxes/{BOX_ID}", headers=AUTHORIZED)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"  ", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"amount": 1,}', "malformed_json"),
        (b'{"amount": NaN}', "malformed_json"),
        (b'{"amount": -Infinity}', "malformed_json"),
        (b'{"amount": 1e400}', "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b'{"amount": 1, "amount": 2}', "malformed_json"),
        (b'{"label": "a:b", "metadata": {"a": "1", "a": "1"}}', "malformed_json"),
        (b'{"label": "\xff"}', "invalid_encoding"),
        (b'{"label": "\\ud800"}', "invalid_encoding"),
        (b'{"\\udc00": 1}', "invalid_encoding"),
        (b'{"label": "a\\u0000b"}', "invalid_encoding"),
        (b'{"metadata": {"\\u0000": "x"}}', "invalid_encoding"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b'{"a":' * 40 + b"[" * 25 + b"]" * 25 + b"}" * 40, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b"[{" * 500_000, "too_deep"),
    ],
)
async def test_a_body_that_is_no_good_json_is_refused(toy: Toy, body: bytes, code: str) -> None:
    async with toy.client() as client:
        response = await client.post(
            "/boxes", content=body, headers={**KEYED, "Content-Type": "application/json"}
        )
    assert_problem(response, 400, code)
    assert toy.calls == []


async def test_brackets_in_strings_are_no_levels_and_escapes_no_nul(toy: Toy) -> None:
    label = "[" * 70 + '"' + "{" * 70 + "\\u0000 a:b"
    async with toy.client() as client:
        response = await client.post("/boxes", json=new_box(label=label), headers=KEYED)
    assert response.status_code == 201
    assert toy.calls[0].body["label"] == label


async def test_sixty_four_levels_are_allowed(toy: Toy) -> None:
    deepest: Any = 1
    for _ in range(63):
        deepest = [deepest]
    async with toy.client() as client:
        response = await client.post("/boxes", json=new_box(anything=deepest), headers=KEYED)
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"amount": "1"}, "/amount", "must be of type integer"),
        ({"amount": 1.0}, "/amount", "must be of type integer"),
        ({"amount": 10**30}, "/amount", "must be of type integer"),
        ({"amount": True}, "/amount", "must be of type integer"),
        ({"amount": 0}, "/amount", "must be at least 1"),
        ({"currency": "XXX"}, "/currency", "must be one of EUR, USD"),
        ({"label": "x" * 201}, "/label", "must have at most 200 characters"),
        ({"at": "yesterday"}, "/at", "must be a valid date-time"),
        ({"tags": [1]}, "/tags/0", "must be of type string"),
        ({"tags": ["a"] * 6}, "/tags", "must have at most 5 items"),
        ({"colour": "red"}, "", "has members that are not known: colour"),
        ({"colour7": "red"}, "", "has members that are not known"),
        ({"method": {}}, "/method", "must have card or token"),
        ({"method": {"number": "4242"}}, "/method", "must have card or token"),
        (
            {"method": {"card": {"number": "4" * 12}, "token": "t"}},
            "/method",
            "must have only one of card, token",
        ),
        ({"method": "t"}, "/method", "must be of type object"),
        ({"method": {"card": {}}}, "/method/card/number", "is required"),
        ({"method": {"card": {"number": "4242x"}}}, "/method/card/number", "must match ^[0-9]{12,19}$"),
        ({"metadata": {"a/b~": 1}}, "/metadata/a~1b~0", "must be of type string"),
    ],
)
async def test_an_invalid_body_names_place_and_rule(
    toy: Toy, changes: dict[str, Any], pointer: str, message: str
) -> None:
    async with toy.client() as client:
        response = await client.post("/boxes", json=new_box(**changes), headers=KEYED)
    document = assert_problem(response, 422, "validation_failed")
    assert {"pointer": pointer, "message": message} in document["errors"]
    assert toy.calls == []


async def test_missing_members_are_each_named(toy: Toy) -> None:
    async with toy.client() as client:
        document = assert_problem(
            await client.post("/boxes", json={}, headers=KEYED), 422, "validation_failed"
        )
    assert {error["pointer"] for error in document["errors"]} == {"/amount", "/method"}


async def test_a_card_number_that_breaks_its_own_rule_is_not_repeated(toy: Toy) -> None:
    body = new_box(method={"card": {"number": f"{CARD}{CARD}"}})
    async with toy.client() as client:
        response = await client.post("/boxes", json=body, headers=KEYED)
    assert_problem(response, 422, "validation_failed")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=latin-1", ""]
)
async def test_another_media_type_is_refused(toy: Toy, content_type: str) -> None:
    async with toy.client() as client:
        response = await client.post("/boxes", content=b"{}", headers={**KEYED, "Content-Type": content_type})
    assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("body", [gzip.compress(b"{}", mtime=0), b"{}"], ids=["gzip", "not even gzip"])
async def test_a_body_that_is_encoded_is_refused(toy: Toy, body: bytes) -> None:
    headers = {**KEYED, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with toy.client() as client:
        refused = await client.post("/boxes", content=body, headers=headers)
        as_it_is = await client.post(
            "/boxes", json=new_box(), headers={**headers, "Content-Encoding": "Identity"}
        )
    assert_problem(refused, 415, "unsupported_media_type")
    assert as_it_is.status_code == 201


async def test_a_body_may_be_one_mebibyte_and_no_more(toy: Toy) -> None:
    largest = b"1" + b" " * (1024 * 1024 - 1)
    json = {"Content-Type": "application/json"}
    async with toy.client() as client:
        fits = await client.post("/outcomes", content=largest, headers=json)
        too_large = await client.post("/outcomes", content=largest + b" ", headers=json)
    assert_problem(fits, 422, "validation_failed")
    assert_problem(too_large, 413, "payload_too_large")


async def test_an_optional_body_may_be_absent_and_one_that_nobody_reads_is_ignored(toy: Toy) -> None:
    async with toy.client() as client:
        assert (await client.post("/outcomes")).status_code == 200
        response = await client.request("GET", "/health", content=b"\xff{{", headers={"Content-Type": "x/y"})
    assert response.status_code == 200
    assert toy.calls[0].body is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "idempotency_key_missing"),
        ([("Idempotency-Key", "")], "invalid_header"),
        ([("Idempotency-Key", "a b")], "invalid_header"),
        ([("Idempotency-Key", "x" * 256)], "invalid_header"),
        ([("Idempotency-Key", "a"), ("Idempotency-Key", "a")], "invalid_header"),
        ([("Idempotency-Key", b"\xff\xfe")], "invalid_encoding"),
        ([("Idempotency-Key", "a"), ("Authorization", "Bearer good-key")], "invalid_header"),
    ],
)
async def test_a_bad_header_is_refused(toy: Toy, headers: list[tuple[str, Any]], code: str) -> None:
    async with toy.client() as client:
        response = await client.post("/boxes", json=new_box(), headers=[*AUTHORIZED.items(), *headers])
    assert_problem(response, 400, code)
    assert toy.calls == []


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/boxes", KEYED, new_box(label=f"card {CARD}")),
        ("/boxes", KEYED, new_box(label="4242 4242-4242 4242")),
        ("/boxes", KEYED, new_box(label="4242\u20114242\u20114242\u20114242")),
        ("/boxes", KEYED, new_box(tags=["a", CARD])),
        ("/boxes", KEYED, new_box(metadata={"a": CARD})),
        ("/boxes", KEYED, new_box(metadata={CARD: "a"})),
        ("/boxes", KEYED, new_box(anything={"x": [{"y": int(CARD)}]})),
        ("/boxes", KEYED, new_box(parent=CARD)),
        ("/boxes", KEYED, new_box(method={"token": CARD})),
        ("/boxes", KEYED, new_box(method={"card": {"number": CARD}}, number=CARD)),
        ("/boxes", {**KEYED, "Idempotency-Key": f"k-{CARD}"}, new_box()),
        (f"/labels/{CARD}", AUTHORIZED, None),
        (f"/boxes/{CARD}", AUTHORIZED, None),
        (f"/boxes?q={CARD}", AUTHORIZED, None),
        (f"/boxes?{CARD}=q", AUTHORIZED, None),
    ],
)
async def test_a_card_number_stands_only_where_the_contract_lets_it(
    toy: Toy, path: str, headers: dict[str, str], body: Any
) -> None:
    async with toy.client() as client:
        response = await client.request("GET" if body is None else "POST", path, json=body, headers=headers)
    assert_problem(response, 422, "sensitive_data")
    assert toy.calls == []
    assert CARD not in str(toy.log_lines())


async def test_an_escaped_card_number_is_found(toy: Toy) -> None:
    escaped = "".join(f"\\u00{ord(digit):x}" for digit in CARD)
    body = b'{"amount": 1, "method": {"token": "' + escaped.encode() + b'"}}'
    async with toy.client() as client:
        response = await client.post(
            "/boxes", content=body, headers={**KEYED, "Content-Type": "application/json"}
        )
    assert_problem(response, 422, "sensitive_data")


async def test_an_id_of_its_own_pattern_is_not_searched(toy: Toy) -> None:
    lookalike = "box_" + CARD + "ABCDEFGHJK"
    async with toy.client() as client:
        assert (await client.get(f"/boxes/{lookalike}", headers=AUTHORIZED)).status_code == 200
        response = await client.post("/boxes", json=new_box(parent=lookalike), headers=KEYED)
    assert response.status_code == 201


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic good-key", "good-key", "Bearer wrong", "Bearer g\u00f6\u00f6d"],
)
async def test_without_a_good_key_nobody_gets_in(toy: Toy, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode()}
    async with toy.client() as client:
        response = await client.post("/boxes", content=b"not even read", headers=headers)  # type: ignore[arg-type]
    assert_problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"
    assert toy.calls == []


async def test_the_authenticator_gets_identity_headers_and_the_operation(toy: Toy) -> None:
    async with toy.client() as client:
        await client.post("/boxes", json=new_box(), headers={**KEYED, "X-User-Id": "ann"})
        await client.get("/boxes", headers={**AUTHORIZED, "X-User-Id": "ann"})
        forbidden = await client.get("/boxes", headers={"Authorization": "Bearer weak-key"})
    assert [call.caller.user for call in toy.calls] == ["ann", None]
    assert toy.operations[0].extensions == {"x-required-role": "operator"}
    assert (toy.operations[0].operation_id, toy.operations[0].path) == ("create_box", "/boxes")
    assert_problem(forbidden, 403, "forbidden")


async def test_a_repeated_identity_header_is_refused(toy: Toy) -> None:
    headers = [*KEYED.items(), ("X-User-Id", "ann"), ("X-User-Id", "eve")]
    async with toy.client() as client:
        assert_problem(await client.post("/boxes", json=new_box(), headers=headers), 400, "invalid_header")
