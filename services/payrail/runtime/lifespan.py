"""The ASGI lifespan from the server's side, for apps that are used without one, and how an app tells why it failed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

#: The key of the lifespan scope's state under which an app leaves the exception: the protocol carries only a text.
LIFESPAN_ERROR = "payrail.lifespan_error"

_VERSIONS = {"version": "3.0", "spec_version": "2.0"}


class LifespanFailed(Exception):
    """An app could not start or end; its own error is the cause, if it told it."""


@asynccontextmanager
async def alive(app: Any) -> AsyncIterator[None]:
    """Start an app, and end it after the block. Raises `LifespanFailed`."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[Any] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": _VERSIONS, "state": state}
    task = asyncio.create_task(app(scope, to_app.get, from_app.put))

    async def go_through(phase: str) -> None:
        await to_app.put({"type": f"lifespan.{phase}"})
        answer = await from_app.get()
        if answer["type"] != f"lifespan.{phase}.complete":
            raise LifespanFailed(answer.get("message", f"{phase} failed")) from state.get(LIFESPAN_ERROR)

    try:
        await go_through("startup")
        try:
            yield
        finally:
            await go_through("shutdown")
    finally:
        await task
