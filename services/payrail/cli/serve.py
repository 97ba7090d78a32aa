"""`payrail serve`: one process of the stack, as `payrail up` starts it when there are several."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payrail.cli.paths import NamedPath
from payrail.cli.services import SERVICES

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from payrail.runtime.logs import LogWriter
    from payrail.runtime.settings import Settings

# What a supervised process says on standard output: that it serves, or in one line why it cannot.
READY = b"ready\n"
FAILED = b"failed "

_END_S_MAX = 30.0


def _file_descriptors(
    _ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, int]:
    pairs = (value.partition("=") for value in values)
    try:
        return {service: int(fd) for service, _, fd in pairs}
    except ValueError:
        raise click.BadParameter("must be SERVICE=NUMBER") from None


@click.command(hidden=True)
@click.argument("services", nargs=-1, required=True, type=click.Choice(SERVICES))
@click.option("--data-dir", type=NamedPath(file_okay=False), help="Directory of all runtime files.")
@click.option("--log-file", type=NamedPath(dir_okay=False), help="Log here, not to standard error.")
@click.option(
    "--fd",
    "fds",
    multiple=True,
    metavar="SERVICE=NUMBER",
    callback=_file_descriptors,
    help="A listening socket that this process inherits.",
)
@click.option(
    "--supervised", is_flag=True, help="Say on standard output when ready; end when standard input ends."
)
def serve(
    services: tuple[str, ...],
    data_dir: Path | None,
    log_file: Path | None,
    fds: dict[str, int],
    supervised: bool,
) -> None:
    """Serve the named services until SIGTERM or SIGINT."""
    gc.disable()  # Until the services run: what a start imports and builds is no garbage.
    from payrail.cli.process import logging_to
    from payrail.cli.refusals import told_in_one_line
    from payrail.cli.services import listen_all
    from payrail.runtime.listening import inherited
    from payrail.runtime.settings import load_settings

    orphaned = _Orphaned() if supervised else None
    try:
        with told_in_one_line():
            settings = load_settings(**({} if data_dir is None else {"payrail_data_dir": data_dir}))
            sockets = {service: inherited(fd) for service, fd in fds.items()}
            sockets |= listen_all(settings, [service for service in services if service not in fds])
            with logging_to(log_file, settings) as log:
                from payrail.runtime.serving import run

                run(_serve(settings, services, sockets, log, orphaned))
    except click.ClickException as refused:
        if supervised:
            _say(FAILED + refused.message.encode() + b"\n")
            sys.exit(refused.exit_code)
        raise


async def _serve(
    settings: "Settings",
    services: tuple[str, ...],
    sockets: "Mapping[str, socket.socket]",
    log: "LogWriter",
    orphaned: "_Orphaned | None",
) -> None:
    from payrail.cli.process import serve_process
    from payrail.runtime.serving import SIGNALS

    stop = asyncio.Event()
    if orphaned is not None:
        orphaned.call(asyncio.get_running_loop(), stop.set)
    await serve_process(
        settings,
        services,
        sockets,
        log,
        on_ready=(lambda: _say(READY)) if orphaned else (lambda: None),
        # A terminal sends SIGINT to the whole group; a supervised process waits for its supervisor's wish.
        signals=SIGNALS if orphaned is None else (signal.SIGTERM,),
        stop=stop,
    )


class _Orphaned:
    """Watches standard input from a thread. Its end means that the supervisor wants this process to end, or is dead."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._end: Callable[[], object] = lambda: os.kill(os.getpid(), signal.SIGTERM)
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, name="stdin", daemon=True).start()

    def call(self, loop: asyncio.AbstractEventLoop, stop: "Callable[[], object]") -> None:
        """From now on a graceful end is asked for in the loop; before, the process just dies."""
        with self._lock:
            self._end = lambda: loop.call_soon_threadsafe(stop)

    def _watch(self) -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        with self._lock, contextlib.suppress(RuntimeError):  # The loop is closed: it has ended already.
            self._end()
        time.sleep(_END_S_MAX)
        os._exit(1)


def _say(line: bytes) -> None:
    """A supervisor that died does not read; that ends this process by other means."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), line)
