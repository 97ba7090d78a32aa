"""Clients of both kinds, driven in one way."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from payrail_sdk import AsyncPayRail, PayRail


class Caller:
    """A `PayRail` or an `AsyncPayRail`. What it would have waited is kept in `waits`; nothing waits.

    Each try is kept in `tries` before it is sent, and `on_try` is told of it: it may change the request.
    """

    def __init__(self, kind: str, base_url: str, api_key: str = "sk_test", **options: Any) -> None:
        self.waits: list[float] = []
        self.tries: list[httpx.Request] = []
        self.on_try: Callable[[httpx.Request], None] = lambda _request: None
        self._runner = asyncio.Runner()
        if kind == "sync":
            self.client: Any = PayRail(api_key, base_url, **options)
            self.client._sender.sleep = self.waits.append
            self.client._sender._http.event_hooks = {"request": [self._begin]}
        else:
            self.client = AsyncPayRail(api_key, base_url, **options)
            self.client._sender.sleep = self._wait
            self.client._sender._http.event_hooks = {"request": [self._begin_later]}

    def _begin(self, request: httpx.Request) -> None:
        self.tries.append(request)
        self.on_try(request)

    async def _begin_later(self, request: httpx.Request) -> None:
        self._begin(request)

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def __call__(self, action: Callable[[Any], Any]) -> Any:
        """What `action` makes of the client, awaited if need be."""
        return self._settle(lambda: action(self.client))

    def items(self, action: Callable[[Any], Any]) -> list[Any]:
        """All that a listing or its pages hold."""
        found = action(self.client)
        if not hasattr(found, "__aiter__"):
            return list(found)

        async def collected() -> list[Any]:
            return [item async for item in found]

        return self._runner.run(collected())

    def close(self) -> None:
        self._settle(
            lambda: self.client.close() if isinstance(self.client, PayRail) else self.client.aclose()
        )
        self._runner.close()

    def _settle(self, action: Callable[[], Any]) -> Any:
        result = action()
        return self._runner.run(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result
