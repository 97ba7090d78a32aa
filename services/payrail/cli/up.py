"""`payrail up`: starts the whole stack on this machine."""

import asyncio
import contextlib
import gc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payrail.cli.paths import NamedPath

if TYPE_CHECKING:
    from payrail.cli.services import Sockets
    from payrail.runtime.settings import Settings

_WORKERS_MAX = 64


@click.command()
@click.option(
    "--data-dir",
    type=NamedPath(file_okay=False),
    help="Directory of all runtime files.  [default: PAYRAIL_DATA_DIR, else ./data]",
)
@click.option("--fresh", is_flag=True, help="Remove all runtime files of the data directory first.")
@click.option("--isolated", is_flag=True, help="One process per service, as containers would have it.")
@click.option(
    "--workers",
    type=click.IntRange(1, _WORKERS_MAX),
    default=1,
    show_default=True,
    help="Gateway processes. With more than one, the other services share a process of their own.",
)
@click.option("--no-console", is_flag=True, help="Start no console; none is part of PayRail yet.")
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Log to standard error, not to logs/payrail.log in the data directory.",
)
def up(
    data_dir: Path | None, fresh: bool, isolated: bool, workers: int, no_console: bool, verbose: bool
) -> None:
    """Start gateway, vault, provider simulator and ledger jobs, and serve until Ctrl+C.

    Settings come from the environment, then from .env in the current directory; ports are GATEWAY_PORT, VAULT_PORT,
    PROVIDER_SIM_PORT and LEDGER_JOBS_PORT. By default one process serves everything.
    """
    del no_console  # There is none to leave out yet.
    gc.disable()  # Until the stack serves: what a start imports and builds is no garbage.
    from payrail.cli.data_directory import claimed, empty, require_payrails_own
    from payrail.cli.refusals import told_in_one_line
    from payrail.cli.services import GATEWAY, SERVICES, listen_all, log_path
    from payrail.runtime.settings import load_settings

    with told_in_one_line(), contextlib.ExitStack() as held:
        overrides = {} if data_dir is None else {"payrail_data_dir": data_dir}
        settings = load_settings(**overrides)
        if fresh and settings.is_production:
            raise click.ClickException(
                "--fresh is refused with PAYRAIL_ENV=production: it removes the ledger"
            )
        sockets = listen_all(settings, SERVICES, several=(GATEWAY,) if workers > 1 else ())
        for opened in sockets.values():
            held.callback(opened.close)
        directory = settings.payrail_data_dir
        if fresh:
            require_payrails_own(directory)
        held.enter_context(claimed(directory))
        if fresh:
            empty(directory)
        log_file = None if verbose else log_path(directory)
        if isolated or workers > 1:
            from payrail.cli.supervisor import plan, supervise

            gc.enable()
            asyncio.run(supervise(plan(isolated=isolated, workers=workers), settings, sockets, log_file))
        else:
            _embedded(settings, sockets, log_file)


def _embedded(settings: "Settings", sockets: "Sockets", log_file: Path | None) -> None:
    from payrail.cli.announce import announce
    from payrail.cli.process import logging_to, serve_process
    from payrail.cli.services import SERVICES
    from payrail.runtime.serving import SIGNALS, run

    async def main() -> None:
        stop = asyncio.Event()
        told: list[asyncio.Task[None]] = []

        def tell() -> None:
            told.append(asyncio.create_task(announce(sockets)))
            told[0].add_done_callback(
                lambda task: stop.set() if task.cancelled() or task.exception() else None
            )

        await serve_process(settings, SERVICES, sockets, log, on_ready=tell, signals=SIGNALS, stop=stop)
        for task in told:
            if not task.cancel():
                task.result()

    with logging_to(log_file, settings) as log:
        run(main())
