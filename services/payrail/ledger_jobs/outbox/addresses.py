"""Where webhooks may go: in production to public addresses only, whatever a name leads to at the moment of sending."""

import asyncio
import ipaddress
import socket
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


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only. It looks the name up itself and connects to what it checked, so that a name
    cannot lead elsewhere in between."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the backend's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await _public_addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _public_addresses(host: str, port: int) -> list[str]:
    """What the name leads to; one address that is not public refuses them all. Raises `OSError` if it leads nowhere."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not all(map(is_public, addresses)):
        raise AddressRefused
    return addresses


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
