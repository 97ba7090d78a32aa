"""A load of requests over keep-alive connections, light enough to leave the other core to the server."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Self

import orjson


@dataclass(slots=True)
class Reply:
    """A status and a body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection that is kept alive; one request at a time, and answers with a `content-length`.

    It costs as little as it can: on a machine of few cores, what the load takes the servers do not get.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waiting: asyncio.Future[Reply] | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def post(self, path: str, body: bytes, headers: str = "") -> "asyncio.Future[Reply]":
        """Send, and the whole answer when it is there."""
        assert self._transport is not None
        assert self._waiting is None
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{headers}\r\n"
        )
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(head.encode() + body)
        return self._waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # the transport of a stream

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n") + 4
        if head_end >= 4:
            at = received.find(b"content-length: ", 0, head_end) + 16
            end = head_end + int(received[at : received.find(b"\r", at)])
            if len(received) >= end:
                assert len(received) == end
                assert self._waiting is not None
                waiting, self._waiting, self._received = self._waiting, None, b""
                waiting.set_result(Reply(int(received[9:12]), received[head_end:]))
                return
        self._received = received

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


Work = Callable[[Connection, int], Awaitable[None]]


async def run_load(port: int, work: Work, *, connections: int, units: int) -> float:
    """Do `work` `units` times over `connections`; the seconds it took."""
    opened = [await Connection.open(port) for _ in range(connections)]
    numbers: Iterator[int] = iter(range(units))

    async def keep_working(connection: Connection) -> None:
        for number in numbers:
            await work(connection, number)

    started = time.perf_counter()
    await asyncio.gather(*(keep_working(connection) for connection in opened))
    took_s = time.perf_counter() - started
    for connection in opened:
        connection.close()
    return took_s


def require(reply: Reply, status: int) -> None:
    """A reply with another status stops the benchmark."""
    if reply.status != status:
        raise RuntimeError(f"expected {status}, got {reply.status}: {reply.body[:500]!r}")


def expect(reply: Reply, status: int) -> dict[str, object]:
    """The body of the reply, whose status is required."""
    require(reply, status)
    return orjson.loads(reply.body)  # type: ignore[no-any-return]
