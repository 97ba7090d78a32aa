"""Where webhooks may go: in production to public addresses only, whatever a name leads to at the moment of sending."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

_PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The host is, or leads to, an address that is not public."""

    code = "url_not_allowed"
    detail = "In production webhooks go to public addresses only."


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; one that wraps another counts as that one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1] or _nat64(ip)
        if wrapped is not None:
            return is_public(str(wrapped))
    return ip.is_global and not ip.is_multicast


async def require_public(url: str) -> None:
    """Raise `AddressRefused` if the URL's host leads to an address that is not public. A name that leads nowhere now
    passes: it is looked up again whenever something is sent."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise AddressRefused from None
    if host is None:
        raise AddressRefused
    try:
        await _public_addresses(host, port)
    except OSError:
        return


class CheckedAddresses(httpcore.AsyncNetworkBackend):
    """Connects to addresses that it looked up itself, with `public_only` to public ones alone: it connects to what it
    checked, so that a name cannot lead elsewhere in between."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, *, public_only: bool) -> None:
        self._inner = inner
        self._public_only = public_only

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the backend's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await (_public_addresses if self._public_only else _addresses)(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        *first, last = addresses
        for address in first:
            with contextlib.suppress(httpcore.ConnectError):
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._inner.connect_tcp(last, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _public_addresses(host: str, port: int) -> list[str]:
    """As `_addresses`; one address that is not public refuses them all."""
    addresses = await _addresses(host, port)
    if not all(map(is_public, addresses)):
        raise AddressRefused
    return addresses


async def _addresses(host: str, port: int) -> list[str]:
    """What the name leads to, at least one. Raises `OSError` if it leads nowhere.

    Each name is looked up in a thread of its own that nothing waits for: one whose server does not answer takes many
    seconds, which must hold up neither other endpoints nor the end of the process.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def tell(answer: list[Any] | Exception) -> None:
        if found.done():
            return
        if isinstance(answer, Exception):
            found.set_exception(answer)
        else:
            found.set_result(answer)

    def look_up() -> None:
        try:
            answer: list[Any] | Exception = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answer = error if isinstance(error, OSError) else OSError(str(error))
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(tell, answer)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return [str(entry[4][0]) for entry in await found]


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
