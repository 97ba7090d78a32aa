"""Calls between services of several processes: httpx over aiohttp, which costs less than half of plain
httpx."""

import asyncio
from collections.abc import Mapping

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

_CONNECTIONS_MAX = 100
_KEEP_ALIVE_S = 15.0


class ServiceTransport(AiohttpTransport):
    """httpx-aiohttp with errors that say whether the request may have arrived.

    `httpx.ConnectError` and `httpx.ConnectTimeout`: no connection was made, so nothing was sent. All others
    (`ReadTimeout`, `ReadError`): nobody knows. The transport beneath calls a connection that broke half-way a
    connect time-out, which would pass for "not sent", and a refused one as well.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(_whole_s(request)):
                response = await super().handle_async_request(request)
                await response.aread()
        except httpx.TransportError as error:
            raise _told_apart(error, request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no whole answer in time", request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.ReadError(type(error).__name__, request=request) from error
        return response


def _whole_s(request: httpx.Request) -> float | None:
    """How long the whole answer may take. The transport beneath counts anew with every byte of it; a connection that
    is not made in its own time is to be told as that, so its time comes on top where it is the longer one."""
    timeout = request.extensions.get("timeout", {})
    read_s, connect_s = timeout.get("read"), timeout.get("connect") or 0.0
    if read_s is None:
        return None
    return float(read_s if read_s > connect_s else read_s + connect_s)


def _told_apart(error: httpx.TransportError, request: httpx.Request) -> httpx.TransportError:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError):
        return httpx.ConnectError("no connection", request=request)
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout("no connection in time", request=request)
    if isinstance(cause, TimeoutError):
        return httpx.ReadTimeout("no answer in time", request=request)
    return httpx.ReadError("the connection broke before the answer was whole", request=request)


def service_client(
    base_url: str,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
    connect_timeout_s: float = 2.0,
) -> httpx.AsyncClient:
    """A client for one service at `base_url`, to be given to a generated client by `set_async_httpx_client`.

    Make it inside the event loop that uses it, and close it there. Redirects and proxies are not followed.
    """
    transport = ServiceTransport(verify=base_url.startswith("https:"), trust_env=False, client=_session)
    return httpx.AsyncClient(
        base_url=base_url,
        headers=dict(headers or {}),
        timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s),
        transport=transport,
        trust_env=False,
    )


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS_MAX, keepalive_timeout=_KEEP_ALIVE_S)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
