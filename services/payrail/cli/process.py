"""One process of the stack: it composes its services, serves them and logs for them."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING

from payrail.cli.refusals import ChildFailed, start_up_line
from payrail.cli.services import Sockets
from payrail.runtime.settings import Settings

if TYPE_CHECKING:
    import asyncio

    from payrail.runtime.logs import LogWriter


async def serve_process(
    settings: Settings,
    services: Collection[str],
    sockets: Sockets,
    writer: "LogWriter",
    *,
    on_ready: Callable[[], None],
    signals: Sequence[Signals],
    stop: "asyncio.Event | None" = None,
) -> None:
    """Serve these services until a signal or `stop`. Raises `ChildFailed` when one of them cannot start."""
    from payrail.cli.stack import compose
    from payrail.runtime.serving import StartUpError, serve

    try:
        stack = compose(settings, services, log=writer)
    except Exception as error:
        writer.exception("compose_failed", error)
        raise ChildFailed(start_up_line("the stack", error)) from error
    try:
        await serve(
            stack.listeners(sockets),
            on_ready=on_ready,
            on_stop=stack.stopping,
            stop=stop,
            signals=signals,
        )
    except StartUpError as error:
        raise ChildFailed(start_up_line(error.name, error.__cause__)) from error
    finally:
        await stack.close()


@contextlib.contextmanager
def logging_to(path: Path | None, settings: Settings) -> Iterator["LogWriter"]:
    """The process's log: JSON lines at the end of a file, or on standard error."""
    from payrail.runtime.logs import LogWriter, capture_standard_logging, stderr_log
    from payrail.runtime.rotated_file import RotatedFile

    with contextlib.ExitStack() as opened:
        if path is None:
            log = stderr_log()
        else:
            file = RotatedFile(path, bytes_max=settings.log_bytes_max, kept=settings.log_files_kept)
            opened.callback(file.close)
            log = LogWriter(file)
        opened.callback(log.close)
        capture_standard_logging(log)
        yield log
