"""Hostile input of every kind: no 5xx, and always a problem document."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_service import KEYED, Toy

from payrail.runtime.listening import listen
from payrail.runtime.serving import Listener, serve
from waiting import LIMIT_S

pytestmark = pytest.mark.asyncio

TOY = Toy()
FUZZ = settings(max_examples=150, suppress_health_check=list(HealthCheck))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["amount", "method", "card", "number", "label"]) | st.text(), inner)
    ),
    max_leaves=20,
)
HEADER_NAMES = b"""
authorization idempotency-key x-correlation-id traceparent content-type content-length accept x-user-id
x-depth transfer-encoding
""".split()
header_texts = st.binary(max_size=60).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))


async def call(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> Any:
    """One ASGI call, below anything that would tidy the input up."""
    sent: list[Any] = []
    chunks = [body[start : start + 7000] for start in range(0, len(body), 7000)] or [b""]

    async def receive() -> Any:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "", "raw_path": path, "query_string": query}
    await TOY.app({**scope, "headers": headers}, receive, send)
    return sent


def assert_answered(sent: list[Any]) -> None:
    start, body = sent
    headers = dict(start["headers"])
    assert start["status"] < 500
    assert headers[b"x-correlation-id"]
    if start["status"] >= 400:
        assert headers[b"content-type"] == b"application/problem+json"
        assert orjson.loads(body["body"])["status"] == start["status"]


def keyed(*more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    base = [(name.lower().encode(), value.encode()) for name, value in KEYED.items()]
    return [*base, (b"content-type", b"application/json"), *more]


@FUZZ
@given(st.binary(max_size=300))
async def test_random_bytes_as_a_body(body: bytes) -> None:
    assert_answered(await call("POST", b"/boxes", b"", keyed(), body))


@FUZZ
@given(json_values)
async def test_random_json_as_a_body(value: Any) -> None:
    body = (
        orjson.dumps(value, default=str) if _is_text(value) else repr(value).encode("utf-8", "surrogatepass")
    )
    assert_answered(await call("POST", b"/boxes", b"", keyed(), body))


def _is_text(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@FUZZ
@given(st.text('[]{}",:\\u0 1ae', max_size=400))
async def test_almost_json_as_a_body(text: str) -> None:
    assert_answered(await call("POST", b"/boxes", b"", keyed(), text.encode()))


@FUZZ
@given(st.binary(max_size=200), st.binary(max_size=200))
async def test_random_paths_and_queries(path: bytes, query: bytes) -> None:
    for target in (b"/" + path, b"/labels/" + path, b"/boxes/" + path, b"/docs/" + path):
        assert_answered(await call("GET", target, query, keyed(), b""))
    assert_answered(await call("GET", b"/boxes", query, keyed(), b""))
    assert_answered(await call("GET", b"/labels/" + quote(path, safe="").encode(), b"", keyed(), b""))


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.sampled_from(HEADER_NAMES),
            header_texts,
        ),
        max_size=12,
    )
)
async def test_random_headers(headers: list[tuple[bytes, bytes]]) -> None:
    for method, path in (("POST", b"/boxes"), ("GET", b"/boxes"), ("POST", b"/outcomes")):
        assert_answered(await call(method, path, b"", headers, b'{"a": 1}'))
        assert_answered(await call(method, path, b"", keyed(*headers), b'{"a": 1}'))


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000,
        b"{" + b'"a":{' * 170_000,
        b"[" + b'"[",' * 200_000,
        b'{"label": "' + b"1 " * 500_000 + b'"}',
        b"[" + b"1," * 500_000 + b"1]",
        b"9" * 1_000_000,
        b"-" * 1_000_000,
        b'{"amount": ' + b"1" * 900_000 + b"}",
        b'{"amount": 0.' + b"1" * 900_000 + b"}",
        b'{"label": "' + b"\\u0031" * 170_000 + b'"}',
    ],
    ids=range(10),
)
async def test_a_large_body_is_refused_in_little_time(body: bytes) -> None:
    started_s = time.thread_time()
    assert_answered(await call("POST", b"/boxes", b"", keyed(), body))
    # Its own work takes less than a tenth of a second; what grows with the square of the size takes minutes.
    assert time.thread_time() - started_s < 5


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    toy = Toy()
    listener = listen("127.0.0.1", 0)
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve([Listener("toy", toy.app, listener)], on_ready=ready.set, stop=stop, signals=(), tune_gc=False)
    )
    await ready.wait()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        await serving


async def spoken(port: int, raw: bytes) -> bytes:
    """What a server answers to `raw`, until it closes or the first answer is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
    body = await reader.readexactly(int(length.split(b":")[1])) if length else b""
    writer.close()
    return head + body


POST = b"POST /boxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good-key\r\nIdempotency-Key: k\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_bodies_on_a_real_socket() -> None:
    body = orjson.dumps({"amount": 1, "method": {"token": "t"}})
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    async with served() as port:
        sized = await spoken(port, POST + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        halves = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:]))
        chunked = await spoken(port, POST + CHUNKED + halves + b"0\r\n\r\n")
        too_long = await spoken(port, POST + JSON + b"Content-Length: 1048577\r\n\r\n")
        endless = await spoken(port, POST + CHUNKED + chunk * 33)
        nothing = await spoken(port, POST + b"Content-Length: 0\r\n\r\n")
    assert sized.startswith(b"HTTP/1.1 201")
    assert chunked.startswith(b"HTTP/1.1 201")
    for answer, status, code in (
        (too_long, b"413", b"payload_too_large"),
        (endless, b"413", b"payload_too_large"),
        (nothing, b"400", b"malformed_json"),
    ):
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b'"code":"%b"' % code in answer
        assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"rubbish\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: \xff\r\n\r\n", b"200"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{", b"200"),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"200"),
        (b"GET /health?a#b HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET http://elsewhere/health HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
    ],
)
async def test_odd_requests_on_a_real_socket(raw: bytes, status: bytes) -> None:
    async with served() as port:
        answer = await spoken(port, raw)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"server:" not in answer.lower()


async def test_a_connection_survives_refused_requests() -> None:
    async with (
        served() as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT_S, trust_env=False) as client,
    ):
        refused = await client.post("/boxes", content=b"x" * 2_000_000, headers=KEYED)
        response = await client.get("/health")
    assert refused.status_code == 413
    assert response.status_code == 200
