"""A merchant's receiver of webhooks that does what it is told: in a thread of its own, on a free port."""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from waiting import LIMIT_S, wait_until


@dataclass(frozen=True)
class Does:
    """What a receiver does with a webhook: answers, or hangs until it is closed, or breaks the connection."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    instead: Literal["hang", "reset"] | None = None


ACCEPT = Does()
FAIL = Does(500)
GONE = Does(410)
HANG = Does(instead="hang")
RESET = Does(instead="reset")


@dataclass(frozen=True)
class Received:
    """A webhook as it came, and what was done with it."""

    headers: dict[str, str]
    body: bytes
    done: Does

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def accepted(self) -> bool:
        return self.done.instead is None and 200 <= self.done.status < 300


class Receiver:
    """Takes webhooks at `url`. What it does follows `then`, after that `of_type`, after that `always`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.always = ACCEPT
        self.of_type: dict[str, Does] = {}
        self._script: deque[Does] = deque()
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(LIMIT_S)

    def then(self, *done: Does) -> None:
        """What to do with the next webhooks, one after the other."""
        self._script.extend(done)

    def ids(self, *, accepted: bool = True) -> list[str]:
        """The webhook-ids in the order they came, of those that were accepted, or of all."""
        return [one.id for one in self.received if one.accepted or not accepted]

    def types(self) -> list[str]:
        """The events' types in the order they were accepted."""
        return [one.event["type"] for one in self.received if one.accepted]

    def wait(self, holds: Callable[[], bool]) -> None:
        """Return when the condition holds."""
        wait_until(holds, "the receiver has what the test waits for")

    async def until(self, holds: Callable[[], bool]) -> None:
        """As `wait`, beside a running event loop."""
        await asyncio.to_thread(self.wait, holds)

    def verify(self, secret: str) -> None:
        """Everything that came is signed with the secret."""
        for one in self.received:
            Webhook(secret).verify(one.body, one.headers)

    def close(self) -> None:
        """Let go of what hangs, and stop."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._released.set)
        self._thread.join(LIMIT_S)

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._until_released(started))
        self._loop.close()

    async def _until_released(self, started: threading.Event) -> None:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        app.router.add_get("/{tail:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/hooks"
        started.set()
        await self._released.wait()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        wanted = self.of_type.get(json.loads(body).get("type"), self.always) if body else self.always
        done = self._script.popleft() if self._script else wanted
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(headers, body, done))
        if done.instead == "hang":
            await self._released.wait()
        if done.instead == "reset" and request.transport is not None:
            request.transport.abort()
        return web.Response(status=done.status, headers=done.headers)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver for the length of the block."""
    one = Receiver()
    try:
        yield one
    finally:
        one.close()
