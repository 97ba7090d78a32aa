"""A load of requests over keep-alive connections, light enough to leave the other core to the server."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Self

import orjson


@dataclass(frozen=True)
class Reply:
    """A status and a body."""

    status: int
    body: bytes


class Connection:
    """One HTTP/1.1 connection that is kept alive; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes, headers: str = "") -> Reply:
        """Send and wait for the whole answer."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{headers}\r\n"
        )
        self._writer.write(head.encode() + body)
        received = await self._reader.readuntil(b"\r\n\r\n")
        status = int(received[9:12])
        length = int(received.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return Reply(status, await self._reader.readexactly(length))

    def close(self) -> None:
        self._writer.close()


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


def expect(reply: Reply, status: int) -> dict[str, object]:
    """The body of the reply; a reply with another status stops the benchmark."""
    if reply.status != status:
        raise RuntimeError(f"expected {status}, got {reply.status}: {reply.body[:500]!r}")
    return orjson.loads(reply.body)  # type: ignore[no-any-return]
