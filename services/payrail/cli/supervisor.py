"""Several processes as one stack: started together, announced together, and ended together.

A child lives as long as its standard input is open. The supervisor closes it to end a child, and the kernel closes it
when the supervisor is killed, so that no child outlives its stack. A child that dies is started again at the same
sockets, which the supervisor holds open: what connects meanwhile waits, and a sibling worker goes on at once.
"""

import asyncio
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Sequence
from pathlib import Path

import click
from msgspec import Struct

from payrail.cli.announce import announce
from payrail.cli.refusals import ChildFailed
from payrail.cli.serve import FAILED, READY
from payrail.cli.services import BEHIND_GATEWAY, GATEWAY, Sockets
from payrail.runtime.listening import another
from payrail.runtime.settings import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_END_S_MAX = 20.0  # Above what a child's services may take to end; then it is killed.
# A child that dies more often than this within the window will not get better by being started once more.
_RESTARTS_MAX = 5
_RESTARTS_WINDOW_S = 60.0


class ChildPlan(Struct, frozen=True):
    """One process and the services in it."""

    name: str
    services: tuple[str, ...]


def plan(*, isolated: bool, workers: int) -> list[ChildPlan]:
    """Which processes make the stack: `workers` gateways, the others in a process each or all in one."""
    behind = (
        [ChildPlan(service, (service,)) for service in BEHIND_GATEWAY]
        if isolated
        else [ChildPlan(", ".join(BEHIND_GATEWAY), BEHIND_GATEWAY)]
    )
    names = [GATEWAY] if workers == 1 else [f"{GATEWAY} worker {number}" for number in range(1, workers + 1)]
    return [*behind, *(ChildPlan(name, (GATEWAY,)) for name in names)]


async def supervise(
    plans: Sequence[ChildPlan], settings: Settings, sockets: Sockets, log_file: Path | None
) -> None:
    """Run the planned processes until SIGINT or SIGTERM; a second signal kills them.

    Raises `ChildFailed` when one of them cannot start, or dies again and again; the others are ended before.
    """
    places = [
        _Place(child_plan, settings, own, log_file)
        for child_plan, own in zip(plans, _share_out(plans, sockets), strict=True)
    ]
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            for place in places:
                place.kill()
        asked.set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ask)
    try:
        for place in places:
            await place.start()
        await _first_of(asked.wait(), _run(places, sockets))
    finally:
        for place in places:
            place.close()  # From here on a service that ends refuses connections; ours would let them wait.
        await _end(places)
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            # From here it only ends: a late signal, of someone who is impatient, must not make that a failure.
            signal.signal(number, signal.SIG_IGN)


class _Child:
    """A running process of the stack."""

    def __init__(
        self,
        child_plan: ChildPlan,
        process: asyncio.subprocess.Process,
        pipes: tuple[asyncio.StreamWriter, asyncio.StreamReader],
    ) -> None:
        self.plan = child_plan
        self._process = process
        self._input, self._output = pipes

    async def is_ready(self) -> bool:
        """Wait until its services accept requests; False if it dies before. Raises `ChildFailed` with its own words
        if they never will."""
        line = await self._output.readline()
        if line.startswith(FAILED):
            raise ChildFailed(line.removeprefix(FAILED).decode().strip())
        return line == READY

    async def ended(self) -> str:
        """Wait for its end by itself, and say how it came."""
        status = await self._process.wait()
        how = (
            f"was killed by {signal.Signals(-status).name}"
            if status < 0
            else f"ended with exit code {status}"
        )
        return f"{self.plan.name} (pid {self._process.pid}) {how}"

    async def end(self) -> None:
        """Ask it to end, and wait until it has."""
        self._input.close()
        try:
            await asyncio.wait_for(self._process.wait(), _END_S_MAX)
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


class _Place:
    """Where one planned process runs: its sockets, and whoever serves them now."""

    def __init__(
        self, child_plan: ChildPlan, settings: Settings, sockets: Sockets, log_file: Path | None
    ) -> None:
        self.plan = child_plan
        self._settings = settings
        self._sockets = sockets
        self._log_file = log_file
        self._child: _Child | None = None
        self._ends: deque[float] = deque(maxlen=_RESTARTS_MAX + 1)

    async def start(self) -> None:
        self._child = await _start(self.plan, self._settings, self._sockets, self._log_file)

    async def ready(self) -> None:
        """Return when its first process serves. Raises `ChildFailed` if it never will."""
        if self._child is not None and not await self._child.is_ready():
            raise ChildFailed(f"{await self._child.ended()} before it served")

    async def keep(self) -> None:
        """Start a process again whenever it dies. Raises `ChildFailed` when that does not help; never returns."""
        while self._child is not None:
            how = await self._child.ended()
            if self._dies_too_often():
                raise ChildFailed(f"{how}, again and again: the stack ends with it")
            click.echo(f"{how}: it is started again", err=True)
            await self.start()
            await self._child.is_ready()

    def _dies_too_often(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._ends.append(now)
        return len(self._ends) > _RESTARTS_MAX and now - self._ends[0] <= _RESTARTS_WINDOW_S

    async def end(self) -> None:
        """Ask its process to end, and wait until it has."""
        if self._child is not None:
            await self._child.end()

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        for listener in self._sockets.values():
            listener.close()


async def _start(
    child_plan: ChildPlan, settings: Settings, sockets: Sockets, log_file: Path | None
) -> _Child:
    fds = {service: listener.fileno() for service, listener in sockets.items()}
    arguments = [f"--fd={service}={fd}" for service, fd in fds.items()]
    if log_file is not None:
        arguments.append(f"--log-file={log_file}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "payrail.cli.main", "serve", *child_plan.services, "--supervised"),
        f"--data-dir={settings.payrail_data_dir}",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=tuple(fds.values()),
    )
    if process.stdin is None or process.stdout is None:
        raise ChildFailed(f"{child_plan.name} has no pipes")
    return _Child(child_plan, process, (process.stdin, process.stdout))


def _share_out(plans: Sequence[ChildPlan], sockets: Sockets) -> list[Sockets]:
    """The sockets of each child: of those that serve the same, each has its own at the same address."""
    taken: set[str] = set()
    shares: list[Sockets] = []
    for child_plan in plans:
        share = {}
        for service in child_plan.services:
            share[service] = another(sockets[service]) if service in taken else sockets[service]
            taken.add(service)
        shares.append(share)
    return shares


async def _run(places: Sequence[_Place], sockets: Sockets) -> None:
    """Announce the stack when all are ready; then keep it running. Never returns."""
    await asyncio.gather(*(place.ready() for place in places))
    await announce(sockets, workers=sum(GATEWAY in place.plan.services for place in places))
    await _first_of(*(place.keep() for place in places))


async def _first_of(*waits: Awaitable[object]) -> None:
    """Wait for the first of these, and end with the others cancelled; what the first one raised is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _end(places: Sequence[_Place]) -> None:
    """The gateways first: what they call ends when nobody calls it any more."""
    gateways = [place for place in places if GATEWAY in place.plan.services]
    behind = [place for place in places if place not in gateways]
    await asyncio.gather(*(place.end() for place in gateways))
    await asyncio.gather(*(place.end() for place in behind))
