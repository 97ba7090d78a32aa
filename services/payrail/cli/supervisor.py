"""Several processes as one stack: started together, announced together, and ended together.

A child lives as long as its standard input is open. The supervisor closes it to end a child, and the kernel closes it
when the supervisor is killed, so that no child outlives its stack.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path

from msgspec import Struct

from payrail.cli.announce import announce
from payrail.cli.refusals import ChildFailed
from payrail.cli.serve import FAILED, READY
from payrail.cli.services import BEHIND_GATEWAY, GATEWAY, Sockets
from payrail.runtime.listening import another
from payrail.runtime.settings import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_END_S_MAX = 20.0  # Above what a child's services may take to end; then it is killed.


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

    Raises `ChildFailed` when one of them cannot start or ends by itself; the others are ended before.
    """
    children: list[_Child] = []
    shares = _share_out(plans, sockets)
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            for child in children:
                child.kill()
        asked.set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ask)
    try:
        for child_plan, own in zip(plans, shares, strict=True):
            children.append(await _start(child_plan, settings, own, log_file))
        await _first_of(asked.wait(), _run(children, sockets, shares))
    finally:
        _close(shares)
        await _end(children)
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

    async def ready(self) -> None:
        """Return when its services accept requests. Raises `ChildFailed` with its own words if they never will."""
        line = await self._output.readline()
        if line == READY:
            return
        if line.startswith(FAILED):
            raise ChildFailed(line.removeprefix(FAILED).decode().strip())
        await self.ended()

    async def ended(self) -> None:
        """Wait for its end, and raise `ChildFailed` that tells of it."""
        status = await self._process.wait()
        how = (
            f"was killed by {signal.Signals(-status).name}"
            if status < 0
            else f"ended with exit code {status}"
        )
        raise ChildFailed(f"{self.plan.name} (pid {self._process.pid}) {how}: the stack ends with it")

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


def _close(shares: Sequence[Sockets]) -> None:
    for share in shares:
        for opened in share.values():
            opened.close()


async def _run(children: Sequence[_Child], sockets: Sockets, shares: Sequence[Sockets]) -> None:
    """Announce the stack when all are ready; then wait for what should not happen. Never returns."""
    await asyncio.gather(*(child.ready() for child in children))
    await announce(sockets, workers=sum(GATEWAY in child.plan.services for child in children))
    _close(shares)  # So that a service that ends refuses connections; ours would only let them wait.
    await asyncio.gather(*(child.ended() for child in children))


async def _first_of(*waits: Awaitable[object]) -> None:
    """Wait for the first of these and cancel the others; what it raised is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _end(children: Sequence[_Child]) -> None:
    """The gateways first: what they call ends when nobody calls it any more."""
    gateways = [child for child in children if GATEWAY in child.plan.services]
    behind = [child for child in children if child not in gateways]
    await asyncio.gather(*(child.end() for child in gateways))
    await asyncio.gather(*(child.end() for child in behind))
