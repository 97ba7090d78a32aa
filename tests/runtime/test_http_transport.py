"""Over loopback, an error says whether the request may have arrived."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from payrail.runtime.http_transport import service_client
from payrail.runtime.listening import listen

pytestmark = pytest.mark.asyncio

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(raw: bytes | None) -> AsyncIterator[str]:
    """A server that reads one request and writes `raw`, then closes; None keeps the client waiting."""
    connections: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        await reader.readuntil(b"\r\n\r\n")
        if raw is not None:
            writer.write(raw)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in connections:
            writer.close()
        server.close()


async def failure(base_url: str, **options: Any) -> BaseException:
    async with service_client(base_url, **options) as client:
        with pytest.raises(httpx.TransportError) as caught:
            await client.request("POST", "/x", json={"a": 1})
    return caught.value


async def test_an_answer_arrives_with_the_clients_headers_sent() -> None:
    async with answering(OK) as base_url, service_client(base_url, headers={"A": "b"}) as client:
        response = await client.request("POST", "/x", json={"a": 1})
        assert response.json() == {}
        assert response.request.headers["a"] == "b"


async def test_a_refused_connection_means_not_sent() -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    assert type(await failure(f"http://127.0.0.1:{port}")) is httpx.ConnectError


async def test_silence_is_a_read_time_out() -> None:
    async with answering(None) as base_url:
        assert type(await failure(base_url, timeout_s=0.05)) is httpx.ReadTimeout


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", OK[:-1], b"rubbish\r\n\r\n"])
async def test_a_connection_that_breaks_half_way_is_a_read_error(raw: bytes) -> None:
    async with answering(raw) as base_url:
        assert type(await failure(base_url)) is httpx.ReadError


async def test_a_body_that_stalls_is_a_read_time_out() -> None:
    async with asyncio.timeout(10):
        stalled = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK[:-1])
            await stalled.wait()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        error = await failure(f"http://127.0.0.1:{port}", timeout_s=0.05)
        stalled.set()
        server.close()
    assert type(error) is httpx.ReadTimeout


async def test_an_answer_that_trickles_in_is_a_read_time_out_when_its_time_is_over() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.001)

    async with asyncio.timeout(10):
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        error = await failure(base_url, timeout_s=0.05, connect_timeout_s=0.01)
        server.close()
    assert type(error) is httpx.ReadTimeout
