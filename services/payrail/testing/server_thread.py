"""The embedded stack in a thread with an event loop of its own, so that blocking and asynchronous tests can use it."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import uvloop

from payrail.cli.data_directory import claimed
from payrail.cli.services import Sockets, log_path
from payrail.cli.stack import embedded, running
from payrail.provider_sim.silence import Silence
from payrail.runtime.logs import JsonLogHandler, LogWriter
from payrail.runtime.rotated_file import RotatedFile
from payrail.runtime.settings import Settings

#: How long a provider that never answers is waited for, in real seconds. The caller takes the end of this wait as it
#: takes its own time-out, for an unknown outcome, so that no test waits for a time-out and none depends on one.
SILENCE_S = 0.05
_END_S_MAX = 30.0


@contextlib.contextmanager
def serving(settings: Settings, sockets: Sockets) -> Iterator[Callable[[], None]]:
    """Serve the stack on these sockets for the length of the block; it writes its log beside its data. What the block
    gets writes all log lines of what was answered by then.

    Raises what keeps it from starting, such as `StartUpError` or `DataDirectoryRefused`.
    """
    directory = settings.payrail_data_dir
    with claimed(directory), _logging_to(settings) as log:
        thread = _ServerThread(settings, sockets, log)
        thread.start()

        def write_log() -> None:
            thread.take_a_turn()
            log.close()  # The next line opens it again.

        try:
            yield write_log
        finally:
            thread.end()


class _ServerThread:
    def __init__(self, settings: Settings, sockets: Sockets, log: LogWriter) -> None:
        self._settings, self._sockets, self._log = settings, sockets, log
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="payrail", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.result()

    def take_a_turn(self) -> None:
        """Return when the loop has done what it is at: an answer leaves before its log line is made."""
        loop, _ = self._started.result()
        done: Future[None] = Future()
        with contextlib.suppress(RuntimeError, TimeoutError):  # The loop is closed, or held up for good.
            loop.call_soon_threadsafe(done.set_result, None)
            done.result(_END_S_MAX)

    def end(self) -> None:
        loop, stop = self._started.result()
        with contextlib.suppress(RuntimeError):  # The loop is closed when the stack ended by itself.
            loop.call_soon_threadsafe(stop.set)
        self._ended.result(_END_S_MAX)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for it
            waiting = self._ended if self._started.done() else self._started
            waiting.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        stack = embedded(self._settings, log=self._log, silence=Silence(SILENCE_S))
        async with running(stack, self._sockets):
            self._started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()


@contextlib.contextmanager
def _logging_to(settings: Settings) -> Iterator[LogWriter]:
    """The log of the stack. What PayRail's modules log goes there as well, and on to the handlers of the test's own."""
    path = log_path(settings.payrail_data_dir)
    logger = logging.getLogger("payrail")
    file = RotatedFile(path, bytes_max=settings.log_bytes_max, kept=settings.log_files_kept)
    with contextlib.closing(file):
        log = LogWriter(file)
        handler = JsonLogHandler(log)
        logger.addHandler(handler)
        try:
            yield log
        finally:
            logger.removeHandler(handler)
            log.close()
