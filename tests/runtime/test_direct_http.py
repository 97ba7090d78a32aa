"""A contract app that is served without ASGI between answers, byte for byte, as it does with it."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import httptools
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_service import BOX_ID, Toy, new_box

from payrail.runtime import serving
from payrail.runtime.contract_app import Answer
from payrail.runtime.direct_http import split_target
from payrail.runtime.listening import listen
from payrail.runtime.serving import Listener, serve
from waiting import LIMIT_S

CHANGING = re.compile(rb"(?m)^date: [^\r]+\r\n")
COMMON = b"host: toy\r\nx-correlation-id: c-1\r\nauthorization: Bearer good-key\r\nidempotency-key: k\r\n"
BODY = orjson.dumps(new_box(label="A box"))


def request(line: bytes, headers: bytes = b"", body: bytes = b"", *, close: bool = True) -> bytes:
    ending = b"connection: close\r\n" if close else b""
    return line + b" HTTP/1.1\r\n" + COMMON + headers + ending + b"\r\n" + body


def posted(body: bytes = BODY, headers: bytes = b"", *, close: bool = True) -> bytes:
    head = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
    return request(b"POST /boxes", head + headers, body, close=close)


LARGE = b'{"label":"%s"}' % (b"a" * 300_000)
CASES: dict[str, list[bytes]] = {
    "a query": [request(b"GET /boxes?limit=3&state=OPEN&state=SHUT")],
    "a body": [posted()],
    "a body that comes later": [posted()[:-20], posted()[-20:]],
    "a byte at a time": [posted()[place : place + 1] for place in range(len(posted()))],
    "two after another": [posted(close=False), request(b"GET /boxes")],
    "two at once": [posted(close=False) + request(b"GET /boxes")],
    "a body in chunks": [
        request(
            b"POST /boxes",
            b"content-type: application/json\r\ntransfer-encoding: chunked\r\n",
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        )
    ],
    "HEAD": [request(b"HEAD /boxes/newest")],
    "no body in the answer": [request(b"DELETE /boxes/" + BOX_ID.encode())],
    "a text that comes in pieces": [request(b"POST /outcomes")],
    "an escaped path": [request(b"GET /labels/a%2Fb%20c")],
    "an absolute target": [request(b"GET http://toy/boxes?limit=2")],
    "a fragment": [request(b"GET /boxes?limit=2#there")],
    "a target of no path": [request(b"OPTIONS *")],
    "no such path": [request(b"GET /nowhere")],
    "no such method": [request(b"PUT /boxes")],
    "no JSON": [posted(b"{")],
    "no key": [posted(headers=b"authorization: Bearer wrong\r\n")],
    "a large body": [posted(LARGE)],
    "a body that is announced as too large": [
        request(b"POST /boxes", b"content-type: application/json\r\ncontent-length: 9999999\r\n")
    ],
    "HTTP/1.0": [b"GET /boxes HTTP/1.0\r\n" + COMMON + b"\r\n"],
    "HTTP/1.0 that would stay": [b"GET /boxes HTTP/1.0\r\n" + COMMON + b"connection: keep-alive\r\n\r\n"],
    "an upgrade": [request(b"GET /boxes", b"upgrade: websocket\r\nconnection: upgrade\r\n")],
    "the document": [request(b"GET /openapi.json")],
    "a page": [request(b"GET /docs/", close=False) + request(b"GET /boxes")],
    "no such page": [request(b"GET /docs/../boxes")],
}


class Apart:
    """Hides a contract app, so that the server sees an ASGI app as any other."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


async def pieces() -> AsyncIterator[bytes]:
    yield b"some, "
    yield b"more"


class Streaming(Toy):
    async def make_outcome(self, call: Any) -> Answer:
        return Answer(202, pieces(), media_type="text/csv")


@contextlib.asynccontextmanager
async def served(*apps: Any) -> AsyncIterator[list[int]]:
    """The apps' ports."""
    listeners = [Listener(str(number), app, listen("127.0.0.1", 0)) for number, app in enumerate(apps)]
    ports = [one.socket.getsockname()[1] for one in listeners]
    ready, stop = asyncio.Event(), asyncio.Event()
    server = asyncio.create_task(
        serve(listeners, on_ready=ready.set, stop=stop, signals=(), tune_gc=False, grace_s=1)
    )
    await ready.wait()
    try:
        yield ports
    finally:
        stop.set()
        await server


async def told(port: int, sent: list[bytes]) -> bytes:
    """All that comes back on one connection until the server closes it. Each part is sent when the last was taken.

    The server may close while more is on its way to it: what it has answered is read all the same. Streams of asyncio
    would give it up for the write that fails.
    """
    loop, received = asyncio.get_running_loop(), bytearray()

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            for part in sent:
                await loop.sock_sendall(line, part)
                await asyncio.sleep(0)

    with socket.socket() as line:
        line.setblocking(False)
        async with asyncio.timeout(LIMIT_S):
            await loop.sock_connect(line, ("127.0.0.1", port))
            sending = asyncio.create_task(send())
            with contextlib.suppress(ConnectionError):
                while chunk := await loop.sock_recv(line, 65536):
                    received += chunk
            await sending
    return CHANGING.sub(b"", bytes(received))


@pytest.mark.asyncio
@pytest.mark.parametrize("name", CASES)
async def test_it_answers_as_over_asgi(name: str) -> None:
    direct, plain = Streaming(), Streaming()
    async with served(direct.app, Apart(plain.app)) as ports:
        answers = [await told(port, CASES[name]) for port in ports]
    assert answers[0] == answers[1] != b""
    logged = [
        [{key: line[key] for key in line.keys() - {"time", "duration_ms"}} for line in toy.log_lines()]
        for toy in (direct, plain)
    ]
    assert logged[0] == logged[1]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"FETCH /boxes HTTP/1.1\r\n\r\n",
        b"GET /boxes/\xff HTTP/1.1\r\n\r\n",
        b"GET /boxes HTTP/1.1\r\nidempotency-key: a\x7fb\r\n\r\n",
        b"POST /boxes HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        request(
            b"POST /boxes", b"content-type: application/json\r\ntransfer-encoding: chunked\r\n", b"?\r\n"
        ),
    ],
)
async def test_what_is_no_http_is_refused_as_a_problem(sent: bytes) -> None:
    async with served(Toy().app) as [port]:
        answer = await told(port, [sent])
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    problem = orjson.loads(body)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert (fields[b"content-type"], fields[b"connection"]) == (b"application/problem+json", b"close")
    assert int(fields[b"content-length"]) == len(body)
    assert (problem["status"], problem["code"]) == (400, "malformed_request")
    assert fields[b"x-correlation-id"].decode() == problem["correlation_id"]


@pytest.mark.asyncio
@pytest.mark.parametrize("rest", [b"}", b"\x00", b"nonsense\r\n\r\n", b"nonsense\r\n\r\n" * 10_000])
async def test_a_request_before_nonsense_gets_its_own_answer(rest: bytes) -> None:
    toy = Toy()
    async with served(toy.app) as [port]:
        one, two = [
            await told(port, [requests + rest]) for requests in (posted(close=False), posted(close=False) * 2)
        ]
    assert one.startswith(b"HTTP/1.1 201 ")
    assert (one.count(b"HTTP/1.1 "), one.count(b"connection: close")) == (1, 1)
    assert two.count(b"HTTP/1.1 201 ") == two.count(b"HTTP/1.1 ") == 2
    assert len(toy.calls) == 3


@given(
    st.binary(max_size=30).map(lambda some: b"/" + some)
    | st.text('/a?#%:@;.~ "é\x7f', max_size=12).map(str.encode)
)
@settings(max_examples=400)
def test_a_target_is_split_as_the_parser_does_it(target: bytes) -> None:
    try:
        parsed = httptools.parse_url(target)
        expected: Any = (parsed.path, parsed.query or b"")
    except httptools.HttpParserError as error:
        expected = type(error)
    try:
        found: Any = split_target(target)
    except httptools.HttpParserError as error:
        found = type(error)
    assert found == expected


@pytest.mark.asyncio
async def test_a_connection_that_is_idle_is_closed_and_one_in_use_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The event loop's clock is put forward, so that none is idle for long before the test wants it to be."""
    toy = Toy()
    entered, go = asyncio.Event(), asyncio.Event()
    loop, ahead_s = asyncio.get_running_loop(), 0.0
    passing_s = loop.time
    monkeypatch.setattr(loop, "time", lambda: passing_s() + ahead_s)

    async def slow(call: Any) -> Answer:
        entered.set()
        await go.wait()
        return Answer(200, {"id": BOX_ID, "label": None})

    toy.make_outcome = slow  # type: ignore[method-assign]
    async with served(toy.build()) as (port,):
        idle, busy = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in (idle, busy):
            writer.write(request(b"GET /boxes", close=False))
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
        busy[1].write(request(b"POST /outcomes", close=False))
        await entered.wait()
        ahead_s += serving._KEEP_ALIVE_S
        async with asyncio.timeout(LIMIT_S):
            assert await idle[0].read() == b""
            go.set()
            assert b'"label":null' in await busy[0].readuntil(b"}")
        ahead_s += serving._KEEP_ALIVE_S
        async with asyncio.timeout(LIMIT_S):
            assert await busy[0].read() == b""
        for _, writer in (idle, busy):
            writer.close()


@pytest.mark.asyncio
async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    toy = Toy()
    async with served(toy.app, Apart(toy.app)) as ports, asyncio.timeout(LIMIT_S):
        for port in ports:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(posted(headers=b"expect: 100-continue\r\n")[: -len(BODY)])
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(BODY)
            assert b"201 Created" in await reader.read()
            writer.close()


@pytest.mark.asyncio
async def test_a_client_that_is_gone_is_logged_and_harms_nobody() -> None:
    toy = Toy()
    async with served(toy.app) as (port,):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted()[:-5])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert b"201 Created" in await told(port, [posted()])
    assert sorted((line["status"], line["code"]) for line in toy.log_lines()) == [
        (201, None),
        (499, "client_gone"),
    ]
