"""Asks a service for its health as a client would: over its socket."""

import asyncio

_OK = b"HTTP/1.1 200 "
_HEAD_BYTES_MAX = 4096


class NotHealthy(Exception):
    """A service did not answer its health check, or not with 200; the message is one line."""


async def wait_until_healthy(service: str, host: str, port: int, timeout_s: float = 30.0) -> None:
    """Return when `GET /health` was answered with 200. Raises `NotHealthy` otherwise, or after `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            head = await _head(host, port)
    except (OSError, TimeoutError) as error:
        raise NotHealthy(f"{service} does not answer /health: {error or 'no answer in time'}") from None
    if not head.startswith(_OK):
        status = head.split(b"\r\n", 1)[0].decode("latin-1")
        raise NotHealthy(f"{service} answers /health with {status or 'nothing'}")


async def _head(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return await reader.read(_HEAD_BYTES_MAX)
    finally:
        writer.close()
