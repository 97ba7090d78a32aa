"""Sends what `_exchange` decides, in two ways: blocking and asynchronous."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, cast

import httpx

from ._exchange import MISFIT, Exchange, Parsed
from ._settings import Settings, correlation_id
from .call_options import CallOptions, call_settings
from .gateway import Client
from .gateway.types import Response

#: Is told of each call when it begins.
Witness = Callable[[Exchange], None]


class Sender:
    """Calls generated functions; typed errors and retries happen beneath them."""

    def __init__(self, settings: Settings, http_client: httpx.Client | None) -> None:
        """`http_client` stays the caller's to close; without one it is made here, and closed by `close`."""
        self._settings = settings
        self._own = httpx.Client(verify=_tls()) if http_client is None else None
        self._http = http_client or cast(httpx.Client, self._own)
        self.sleep: Callable[[float], None] = time.sleep
        self.witness: Witness | None = None

    def call(
        self,
        expected: type[Parsed],
        operation: Callable[[Client], Response[Any]],
        options: CallOptions,
    ) -> Parsed:
        """What `operation` answers. Raises a PayRailError for all that is not a success."""
        exchange = _begun(self._settings, options, self.witness)
        wire = cast(httpx.Client, _Wire(self._http, exchange, self.sleep))
        try:
            response = operation(Client(base_url=self._settings.base_url).set_httpx_client(wire))
        except MISFIT as error:
            unreadable = exchange.misfit()
            if unreadable is None:
                raise
            raise unreadable from error
        return exchange.parsed(response.parsed, expected)

    def close(self) -> None:
        """Close the connections, if they are the SDK's own."""
        if self._own is not None:
            self._own.close()


class AsyncSender:
    """As `Sender`, asynchronously."""

    def __init__(self, settings: Settings, http_client: httpx.AsyncClient | None) -> None:
        self._settings = settings
        self._own = httpx.AsyncClient(verify=_tls()) if http_client is None else None
        self._http = http_client or cast(httpx.AsyncClient, self._own)
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.witness: Witness | None = None

    async def call(
        self,
        expected: type[Parsed],
        operation: Callable[[Client], Awaitable[Response[Any]]],
        options: CallOptions,
    ) -> Parsed:
        """What `operation` answers. Raises a PayRailError for all that is not a success."""
        exchange = _begun(self._settings, options, self.witness)
        wire = cast(httpx.AsyncClient, _AsyncWire(self._http, exchange, self.sleep))
        try:
            response = await operation(Client(base_url=self._settings.base_url).set_async_httpx_client(wire))
        except MISFIT as error:
            unreadable = exchange.misfit()
            if unreadable is None:
                raise
            raise unreadable from error
        return exchange.parsed(response.parsed, expected)

    async def aclose(self) -> None:
        """Close the connections, if they are the SDK's own."""
        if self._own is not None:
            await self._own.aclose()


def _begun(client: Settings, options: CallOptions, witness: Witness | None) -> Exchange:
    exchange = Exchange(call_settings(client, options), correlation_id(options.get("correlation_id")))
    if witness is not None:
        witness(exchange)
    return exchange


class _Wire:
    """Takes the place of a generated client's `httpx.Client` for one call: one request, as many tries as it needs."""

    def __init__(self, http: httpx.Client, exchange: Exchange, sleep: Callable[[float], None]) -> None:
        self._http, self._exchange, self._sleep = http, exchange, sleep

    def request(self, **generated: Any) -> httpx.Response:
        request = self._exchange.request(generated)
        while True:
            try:
                answer = self._http.request(**request)
            except httpx.RequestError as error:
                wait_s: float | None = self._exchange.lost(error)
            else:
                wait_s = self._exchange.answered(answer)
                if wait_s is None:
                    return answer
            self._sleep(cast(float, wait_s))


class _AsyncWire:
    """As `_Wire`, asynchronously."""

    def __init__(
        self, http: httpx.AsyncClient, exchange: Exchange, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._http, self._exchange, self._sleep = http, exchange, sleep

    async def request(self, **generated: Any) -> httpx.Response:
        request = self._exchange.request(generated)
        while True:
            try:
                answer = await self._http.request(**request)
            except httpx.RequestError as error:
                wait_s: float | None = self._exchange.lost(error)
            else:
                wait_s = self._exchange.answered(answer)
                if wait_s is None:
                    return answer
            await self._sleep(cast(float, wait_s))


@cache
def _tls() -> ssl.SSLContext:
    """httpx's own defaults, read once for all clients: the certificates take it a tenth of a second each time."""
    return httpx.create_ssl_context()
