"""Serves several ASGI apps in one event loop, each on its own socket, with one start and one end for all."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
import uvloop

from .contract_app import ContractApp
from .direct_http import ContractProtocol
from .lifespan import LIFESPAN_ERROR

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Longer than clients of ours keep idle connections, so that it is they who close them.
_KEEP_ALIVE_S = 75
_TICK_S = 0.1  # uvicorn's own: every tenth tick renews the Date header.
_LOOK_EVERY_S = 0.002


class StartUpError(Exception):
    """The lifespan of an app failed; `name` says whose. The failure is in the log, and the cause if the app told it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} could not start")
        self.name = name


@dataclass(frozen=True, slots=True)
class Listener:
    """One app and the socket that it is reached by; make the socket with `listening.listen`."""

    name: str
    app: Any
    socket: socket.socket


class _Server(uvicorn.Server):
    """One listener's server. It leaves signals to `serve`, and says when it accepts requests."""

    def __init__(self, listener: Listener, grace_s: int) -> None:
        super().__init__(
            uvicorn.Config(
                listener.app,
                http=ContractProtocol if isinstance(listener.app, ContractApp) else "httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=grace_s,
            )
        )
        self.listener = listener
        self.ready = asyncio.Event()
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ends it gracefully, from now on."""
        self.should_exit = True
        self._ending.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def cancel_requests(self) -> None:
        """Ends what is under way now; the app's own end still runs, so that its files are closed."""
        self.config.timeout_graceful_shutdown = 1
        for task in list(self.server_state.tasks):
            task.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise StartUpError(self.listener.name) from self.lifespan.state.get(LIFESPAN_ERROR)
        self.ready.set()

    async def main_loop(self) -> None:
        """As uvicorn's, but the wish to end is seen at once: servers that end one after the other add up."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, without its pauses: it waits a tenth of a second even for a server without connections."""
        for server in self.servers:
            server.close()
        for opened in sockets or []:
            opened.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._connections_closed()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()

    async def _connections_closed(self) -> None:
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn keeps plain sets
            await asyncio.sleep(_LOOK_EVERY_S)
        for server in self.servers:
            await server.wait_closed()


class _Stop:
    """The wish to end: the first asks for a graceful end, the second for one at once."""

    def __init__(self, servers: Sequence[_Server]) -> None:
        self.asked = asyncio.Event()
        self._servers = servers

    def ask(self) -> None:
        if self.asked.is_set():
            for server in self._servers:
                server.cancel_requests()
        self.asked.set()


async def serve(
    listeners: Sequence[Listener],
    *,
    on_ready: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
    grace_s: int = 5,
    signals: Sequence[signal.Signals] = SIGNALS,
    tune_gc: bool = True,
) -> None:
    """Starts the apps in order, serves until one of `signals` or `stop`, and ends them in reverse order.

    Requests under way get `grace_s` seconds for each app; then they are cancelled. A second signal cancels
    them at once. `on_ready` is called when all apps accept requests, `on_stop` when they are about to end.
    Raises StartUpError when one cannot start; those that had started are ended before. `tune_gc` is for a
    process that does nothing else.
    """
    servers = [_Server(listener, grace_s) for listener in listeners]
    ending = _Stop(servers)
    running: list[tuple[_Server, asyncio.Task[None]]] = []
    with _signals(signals, ending.ask):
        try:
            for server in servers:
                running.append((server, asyncio.create_task(server.serve([server.listener.socket]))))
                await _started(*running[-1])
            if tune_gc:
                tune_garbage_collection()
            if on_ready is not None:
                on_ready()
            await _first_of(ending.asked, stop, [task for _, task in running])
        finally:
            if on_stop is not None:
                on_stop()
            await _end(running)
            for listener in listeners:
                listener.socket.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` in a uvloop event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def tune_garbage_collection() -> None:
    """What lives at the end of the start lives for ever, so no collection looks at it again; the rest is
    looked at less often. This takes two thirds off the slowest requests. Collection may have been off until
    now: a start imports and builds what stays, and looking for garbage among it costs a tenth of its time."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()


@contextlib.contextmanager
def _signals(numbers: Sequence[signal.Signals], handler: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
            # From here it only ends: a late signal, of someone who is impatient, must not make that a failure.
            signal.signal(number, signal.SIG_IGN)


async def _started(server: _Server, task: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if task.done():
        task.result()
        raise StartUpError(server.listener.name)


async def _first_of(
    asked: asyncio.Event, stop: asyncio.Event | None, tasks: list[asyncio.Task[None]]
) -> None:
    """Waits for a wish to end, or for a server that ended by itself; the error of such a one is raised."""
    wishes = [asyncio.create_task(event.wait()) for event in (asked, stop) if event is not None]
    done, _ = await asyncio.wait([*wishes, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for wish in wishes:
        wish.cancel()
    for task in done:
        task.result()


async def _end(running: Sequence[tuple[_Server, asyncio.Task[None]]]) -> None:
    for server, task in reversed(running):
        server.end()
        # Each error was raised where it came up; here only the end counts.
        await asyncio.wait({task})
