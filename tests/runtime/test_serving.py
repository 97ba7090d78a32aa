"""Several apps in one loop: they start in order, answer on their own ports, and end together, in time."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from payrail.runtime.listening import PortTaken, another, inherited, listen, port_holder
from payrail.runtime.serving import SIGNALS, Listener, StartUpError, serve
from ports import free_ports, held_port, port_of
from waiting import LIMIT_S, wait_until


class App:
    """A bare ASGI app whose answers wait for `go`."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name = name
        self.events = events
        self.go = asyncio.Event()
        self.go.set()
        self.entered = asyncio.Event()
        self.fails_at = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                if self.fails_at == phase:
                    await send({"type": f"lifespan.{phase}.failed"})
                    return
                self.events.append(f"{self.name} {phase}")
                await send({"type": f"lifespan.{phase}.complete"})
            return
        self.entered.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.events.append(f"{self.name} cancelled")
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.name.encode()})


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """What serves ignores signals once it ends, and tunes the garbage collection; the tests that come after it, and
    their processes, do not."""
    handlers, thresholds = {number: signal.getsignal(number) for number in SIGNALS}, gc.get_threshold()
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Stack:
    """Two apps, served until `stop`, at ports that nobody gets after them."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.apps = [App("inner", self.events), App("outer", self.events)]
        ports = free_ports(len(self.apps))
        self.listeners = [
            Listener(app.name, app, listen("127.0.0.1", port))
            for app, port in zip(self.apps, ports, strict=True)
        ]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.ready, self.stop = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def served(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        serving = asyncio.create_task(
            serve(self.listeners, on_ready=self.ready.set, stop=self.stop, **options)
        )
        waiting = asyncio.create_task(self.ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        try:
            async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as client:
                yield client
        finally:
            waiting.cancel()
            self.stop.set()
            await serving


@pytest.mark.asyncio
async def test_each_app_answers_on_its_own_socket_and_they_end_in_reverse_order() -> None:
    stack = Stack()
    async with stack.served(signals=(), tune_gc=False) as client:
        answers = [(await client.get(url)) for url in stack.urls]
    assert [answer.text for answer in answers] == ["inner", "outer"]
    assert "server" not in answers[0].headers
    assert stack.events == ["inner startup", "outer startup", "outer shutdown", "inner shutdown"]
    assert [refused(url) for url in stack.urls] == [True, True]


@pytest.mark.asyncio
async def test_a_request_under_way_is_finished() -> None:
    stack = Stack()
    stack.apps[0].go.clear()
    async with stack.served(signals=(), tune_gc=False, grace_s=600) as client:
        request = asyncio.create_task(client.get(stack.urls[0]))
        await stack.apps[0].entered.wait()
        stack.stop.set()
        stack.apps[0].go.set()
        assert (await request).text == "inner"


@pytest.mark.asyncio
async def test_a_request_that_takes_too_long_is_cancelled() -> None:
    stack = Stack()
    stack.apps[0].go.clear()
    async with asyncio.timeout(LIMIT_S):
        async with stack.served(signals=(), tune_gc=False, grace_s=1) as client:
            request = asyncio.create_task(client.get(stack.urls[0]))
            await stack.apps[0].entered.wait()
            stack.stop.set()
            with contextlib.suppress(httpx.TransportError):
                await request
    assert "inner cancelled" in stack.events
    assert stack.events[-1] == "inner shutdown"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.asyncio
async def test_a_signal_ends_all(number: signal.Signals) -> None:
    stack = Stack()
    async with stack.served():
        os.kill(os.getpid(), number)
        await asyncio.to_thread(_wait_until_refused, stack.urls[0])
    assert stack.events[-1] == "inner shutdown"


def _wait_until_refused(url: str) -> None:
    wait_until(lambda: refused(url), "connections are refused")


def refused(url: str) -> bool:
    with socket.socket() as client:
        host, port = url.removeprefix("http://").split(":")
        return client.connect_ex((host, int(port))) != 0


@pytest.mark.asyncio
async def test_a_second_signal_does_not_wait() -> None:
    stack = Stack()
    stack.apps[1].go.clear()
    async with asyncio.timeout(LIMIT_S):
        async with stack.served(grace_s=600) as client:
            request = asyncio.create_task(client.get(stack.urls[1]))
            await stack.apps[1].entered.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.to_thread(_wait_until_refused, stack.urls[1])
            os.kill(os.getpid(), signal.SIGTERM)
            with contextlib.suppress(httpx.TransportError):
                await request
    assert stack.events[-3:] == ["outer cancelled", "outer shutdown", "inner shutdown"]


@pytest.mark.asyncio
async def test_an_app_that_cannot_start_ends_those_that_did() -> None:
    stack = Stack()
    stack.apps[1].fails_at = "startup"
    with pytest.raises(StartUpError, match="outer could not start"):
        async with stack.served(signals=(), tune_gc=False):
            pass
    assert stack.events == ["inner startup", "inner shutdown"]
    assert not stack.ready.is_set()
    assert refused(stack.urls[0])


def test_a_taken_port_names_its_holder() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            listen("127.0.0.1", port)
    assert caught.value.port == port
    if Path("/proc/net/tcp").exists():
        assert caught.value.holder is not None
        assert f"(pid {os.getpid()})" in caught.value.holder
        assert str(caught.value) == f"port {port} is taken by {caught.value.holder}"


def test_a_free_port_has_no_holder_and_is_free_again_at_once() -> None:
    with held_port() as held:
        port = port_of(held)
        listen("127.0.0.1", port).close()
        assert port_holder(port) is None
        listen("127.0.0.1", port).close()


def test_an_address_that_is_not_ours_is_an_os_error() -> None:
    with pytest.raises(OSError, match="assign"):
        listen("192.0.2.1", 0)


WORKER = textwrap.dedent(
    """
    import os, sys
    from payrail.runtime.listening import inherited
    from payrail.runtime.serving import Listener, run, serve

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

    listener = Listener("app", app, inherited(int(sys.argv[1])))
    run(serve([listener], on_ready=lambda: print("ready", flush=True)))
    print("ended", flush=True)
    """
)


def test_several_processes_share_one_socket() -> None:
    with listen("127.0.0.1", 0) as shared:
        url = f"http://127.0.0.1:{shared.getsockname()[1]}/"
        command = [sys.executable, "-c", WORKER, str(shared.fileno())]
        workers = [
            subprocess.Popen(command, pass_fds=[shared.fileno()], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        try:
            for worker in workers:
                assert worker.stdout is not None
                assert worker.stdout.readline() == "ready\n"
            pids = {worker.pid for worker in workers}
            assert {_answering_pid(url) for _ in range(20)} <= pids
            workers[0].send_signal(signal.SIGTERM)
            assert workers[0].communicate(timeout=LIMIT_S)[0] == "ended\n"
            assert _answering_pid(url) == workers[1].pid
        finally:
            for worker in workers:
                worker.terminate()
                worker.communicate(timeout=LIMIT_S)
    assert workers[0].returncode == workers[1].returncode == 0


def _answering_pid(url: str) -> int:
    return int(httpx.get(url, timeout=LIMIT_S, trust_env=False).text)


def _accepted(listener: socket.socket) -> int:
    accepted = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return accepted
        accepted += 1


@pytest.mark.skipif(sys.platform != "linux", reason="only this kernel spreads connections over sockets")
def test_connections_are_spread_over_the_sockets_of_a_port() -> None:
    with listen("127.0.0.1", 0, beside_others=True) as first, another(first) as second:
        assert second.getsockname() == first.getsockname()
        opened = [socket.create_connection(first.getsockname()) for _ in range(64)]
        shares = [0, 0]

        def all_are_accepted() -> bool:  # The system may still have some on their way.
            shares[0] += _accepted(first)
            shares[1] += _accepted(second)
            return sum(shares) == len(opened)

        wait_until(all_are_accepted, "every connection is accepted")
        assert all(shares)
        for connection in opened:
            connection.close()


def test_a_port_whose_sockets_stand_beside_each_other_is_taken_for_all_others() -> None:
    with listen("127.0.0.1", 0, beside_others=True) as first, another(first):
        port = first.getsockname()[1]
        for beside_others in (False, True):
            with pytest.raises(PortTaken):
                listen("127.0.0.1", port, beside_others=beside_others)


def test_an_inherited_socket_is_the_same_socket() -> None:
    with listen("127.0.0.1", 0) as first:
        again = inherited(socket.fromfd(first.fileno(), socket.AF_INET, socket.SOCK_STREAM).detach())
        with again:
            assert again.getsockname() == first.getsockname()
