"""Over loopback, an error says whether the request may have arrived."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from payrail.runtime.http_transport import service_client
from ports import held_port, port_of
from waiting import LIMIT_S

pytestmark = pytest.mark.asyncio

BODY = b'{"a":1}'
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[str]:
    """A server that does this with each connection, and then closes it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{port_of(server.sockets[0])}"
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(len(BODY))


def answering(raw: bytes) -> AbstractAsyncContextManager[str]:
    """A server that reads one request and writes `raw`, then closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)

    return served(answer)


def patient_client(base_url: str, **options: Any) -> httpx.AsyncClient:
    return service_client(base_url, timeout_s=LIMIT_S, connect_timeout_s=LIMIT_S, **options)


async def failure(base_url: str) -> BaseException:
    async with patient_client(base_url) as client:
        with pytest.raises(httpx.TransportError) as caught:
            await client.request("POST", "/x", content=BODY)
    return caught.value


async def stalled_failure(stall: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> BaseException:
    """How a request ends that the server never answers wholly, on a connection that is there already: to make one in
    the short time that the request has might take too long."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        await stall(writer)

    async with served(answer) as base_url, patient_client(base_url) as client:
        assert (await client.request("POST", "/x", content=BODY)).status_code == 200
        short = httpx.Timeout(0.05, connect=0.01)
        with pytest.raises(httpx.TransportError) as caught:
            await client.request("POST", "/x", content=BODY, timeout=short)
    return caught.value


async def never(_writer: asyncio.StreamWriter) -> None:
    """Keeps the client waiting."""
    await asyncio.Event().wait()


async def test_an_answer_arrives_with_the_clients_headers_sent() -> None:
    async with answering(OK) as base_url, patient_client(base_url, headers={"A": "b"}) as client:
        response = await client.request("POST", "/x", content=BODY)
        assert response.json() == {}
        assert response.request.headers["a"] == "b"


async def test_a_refused_connection_means_not_sent() -> None:
    with held_port() as nobody:
        assert type(await failure(f"http://127.0.0.1:{port_of(nobody)}")) is httpx.ConnectError


async def test_limits_of_a_client_are_those_that_it_was_made_with() -> None:
    async with service_client("http://127.0.0.1:9", timeout_s=7, connect_timeout_s=3) as client:
        assert client.timeout == httpx.Timeout(7, connect=3)


async def test_silence_is_a_read_time_out() -> None:
    assert type(await stalled_failure(never)) is httpx.ReadTimeout


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1], b"rubbish\r\n\r\n"])
async def test_a_connection_that_breaks_half_way_is_a_read_error(raw: bytes) -> None:
    async with answering(raw) as base_url:
        assert type(await failure(base_url)) is httpx.ReadError


async def test_a_body_that_stalls_is_a_read_time_out() -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(OK[:-1])
        await never(writer)

    assert type(await stalled_failure(half)) is httpx.ReadTimeout


async def test_an_answer_that_trickles_in_is_a_read_time_out_when_its_time_is_over() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.001)

    error = await stalled_failure(trickle)
    assert type(error) is httpx.ReadTimeout
    assert type(error.__cause__) is TimeoutError, "a pause between two bytes was too long, not the whole"
