"""An append-only file of JSON lines with one writing process and group commit.

`AppendLog` is the whole thing for a single file. The functions beside it are the steps it is made of, for a
journal that spreads over several files: `read_complete_lines`, `quarantine_torn_tail` and `write_and_sync`.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar, Self

from payrail.runtime import faults
from payrail.runtime.durable_file import (
    LockHeld,
    WriterLock,
    sync_data,
    sync_directory,
    write_all,
    write_and_sync,
)
from payrail.runtime.log_lines import (
    READ_CHUNK_BYTES,
    TornTail,
    quarantine_torn_tail,
    read_complete_lines,
    report_torn_tail,
)

__all__ = [
    "AppendLog",
    "LockHeld",
    "LogFaults",
    "LogUnavailable",
    "TornTail",
    "quarantine_torn_tail",
    "read_complete_lines",
    "report_torn_tail",
    "write_and_sync",
]

BATCH_BYTES_MAX = 8 << 20

logger = logging.getLogger(__name__)


class LogUnavailable(Exception):
    """The disk refused the write: nothing of the line is in the log. Trying again later is safe."""

    code = "storage_unavailable"
    detail = "The files cannot be written now. Nothing was kept of the request; try again."
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, path: Path, cause: str) -> None:
        super().__init__(f"{path.name} cannot be written: {cause}")
        self.path = path


class LogFaults:
    """The fault points of one log, declared under its name."""

    def __init__(self, name: str) -> None:
        self.before_append = faults.declare(f"{name}.before_append", "nothing of the batch is written")
        self.half_written = faults.declare(f"{name}.half_written", "half of the batch's bytes are written")
        self.before_sync = faults.declare(f"{name}.before_sync", "the batch is written, not yet synced")
        self.before_discard = faults.declare(f"{name}.before_discard", "lines may go, all are still there")
        self.after_discard = faults.declare(
            f"{name}.after_discard", "the shorter file has the name, not yet synced"
        )
        self.after_sync = faults.declare(f"{name}.after_sync", "the batch is durable, nobody has been told")


@dataclass(slots=True)
class _Append:
    data: bytes
    durable: bool
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[int]"


@dataclass(slots=True)
class _DiscardBefore:
    offset: int
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[int]"


class AppendLog:
    """One append-only file. What waits when the disk is free goes into one write and one sync, first in,
    first out.

    An append that returned is durable and whole. One that raised `LogUnavailable` left nothing behind. One
    whose process died in between is in the file whole or not at all after the next open. A cancelled caller
    does not take its line back.
    """

    def __init__(self, path: Path, fd: int, lock: WriterLock, mode: int, points: LogFaults) -> None:
        self._path = path
        self._fd = fd
        self._lock = lock
        self._mode = mode
        self._points = points
        self._end = self._synced = os.fstat(fd).st_size
        self._failing = False
        self._damaged = False  # True while bytes of a failed write may stand after the last good line.
        self._name_unsynced = False  # True while a crash could bring the file before the last discard back.
        self._in_flight: list[_Append] = []
        self._closed = False
        self._waiting: deque[_Append | _DiscardBefore] = deque()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._awake = False  # True while a wake is under way that will find what is put into `_waiting` now.
        self._thread = threading.Thread(target=self._commit_loop, name=f"commit {path.name}", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        name: str | None = None,
        mode: int = 0o644,
        on_torn: Callable[[TornTail], None] = report_torn_tail,
    ) -> Self:
        """Open or create the log for this process alone; `LockHeld` names the process that already writes it.

        ``name`` prefixes the fault points (default ``log.<file name>``). A torn last line is quarantined
        first.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock.acquire(path.with_name(path.name + ".lock"))
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
            try:
                sync_directory(path.parent)
                torn = quarantine_torn_tail(path, fd)
                if torn is not None:
                    on_torn(torn)
                return cls(path, fd, lock, mode, LogFaults(name or f"log.{path.name}"))
            except BaseException:
                os.close(fd)
                raise
        except BaseException:
            lock.release()
            raise

    @property
    def path(self) -> Path:
        return self._path

    @property
    def available(self) -> bool:
        """Whether the log is open and its last write succeeded."""
        return not self._closed and not self._failing

    @property
    def end_offset(self) -> int:
        """Where the next line will begin, counting only what is written."""
        return self._end

    async def append(self, line: bytes, *, durable: bool = True) -> int:
        """Append one line (without its newline); returns the offset after it once it is durable.

        With ``durable=False`` it returns once the kernel has the line: it survives the process, not a power
        cut.
        """
        return await self.submit([line], durable=durable)

    async def append_many(self, lines: Sequence[bytes], *, durable: bool = True) -> int:
        """Append lines side by side, in one write; a crash may keep the first of them without the rest."""
        return await self.submit(lines, durable=durable)

    def submit(self, lines: Sequence[bytes], *, durable: bool = True) -> "asyncio.Future[int]":
        """Queue lines now and return the future of the offset after them; futures complete in order of
        submission."""
        if self._closed:
            raise LogUnavailable(self._path, "the log is closed")
        data = b"".join([_with_newline(line) for line in lines])
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._put(_Append(data, durable, loop, done), loop)
        return done

    def discard_before(self, offset: int) -> "asyncio.Future[int]":
        """Drop the lines before ``offset``, for an owner that keeps their effect elsewhere.

        The rest of the file is put in place of the whole in one step, so a crash keeps all of it or exactly
        the rest. Every later offset is smaller by ``offset``. The future's value is the new end.
        """
        if self._closed:
            raise LogUnavailable(self._path, "the log is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._put(_DiscardBefore(offset, loop, done), loop)
        return done

    def _put(self, item: "_Append | _DiscardBefore", loop: asyncio.AbstractEventLoop) -> None:
        """The thread is woken once the loop has run what was ready, so that all lines of one of its turns are one
        batch: waking a thread costs more than writing a line."""
        self._waiting.append(item)
        if not self._awake:
            self._awake = True
            loop.call_soon(self._wakes.put, None)

    def clear(self) -> None:
        """Drop every line, after the owner moved their effect elsewhere; only before the first append."""
        faults.point(self._points.before_discard)
        os.ftruncate(self._fd, 0)
        os.fsync(self._fd)
        self._end = self._synced = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Every complete line with the offset where it begins, oldest first, up to what was written at the
        call."""
        offset, end = 0, self._end
        chunk = READ_CHUNK_BYTES
        while offset < end:
            complete, after = read_complete_lines(self._fd, offset, min(offset + chunk, end))
            if after == offset:
                chunk *= 2  # One line is longer than the chunk.
                continue
            for line in complete:
                yield offset, line
                offset += len(line) + 1

    def close(self) -> None:
        """Write what waits, then release the file. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._wakes.put(None)
        self._thread.join()
        os.close(self._fd)
        self._lock.release()

    # ---- in the commit thread
    # -----------------------------------------------------------------------------------

    def _commit_loop(self) -> None:
        try:
            while not self._closed or self._waiting:
                self._wakes.get()
                self._awake = False  # What comes from here on is found below or wakes again.
                while self._waiting:
                    item = self._waiting.popleft()
                    if isinstance(item, _DiscardBefore):
                        self._discard(item)
                    else:
                        self._in_flight = self._take_batch(item)
                        self._commit(self._in_flight)
                        self._in_flight = []
        finally:
            self._refuse_the_rest()

    def _take_batch(self, first: _Append) -> list[_Append]:
        """The appends that wait right now, up to a bound and to the first item that is none."""
        batch, size = [first], len(first.data)
        while self._waiting and size < BATCH_BYTES_MAX:
            item = self._waiting[0]
            if isinstance(item, _DiscardBefore):
                break
            batch.append(item)
            size += len(item.data)
            self._waiting.popleft()
        return batch

    def _commit(self, batch: list[_Append]) -> None:
        data = b"".join(item.data for item in batch)
        good_end = self._end
        try:
            self._repair()
            self._write(data)
            self._end += len(data)
            good_end = self._synced
            if any(item.durable for item in batch):
                self._sync()
        except OSError as error:
            self._failing = True
            self._roll_back(good_end)
            self._tell_unavailable(batch, os.strerror(error.errno or 0))
            return
        self._failing = False
        end = self._end - len(data)
        outcomes: list[int | Exception] = []
        for item in batch:
            end += len(item.data)
            outcomes.append(end)
        _tell(batch, outcomes)

    def _write(self, data: bytes) -> None:
        faults.point(self._points.before_append)
        self._damaged = True
        written = 0
        if faults.is_armed(self._points.half_written):
            written = len(data) // 2
            write_all(self._fd, data[:written])
            faults.point(self._points.half_written)
        write_all(self._fd, data[written:])
        self._damaged = False

    def _sync(self) -> None:
        faults.point(self._points.before_sync)
        sync_data(self._fd)
        self._synced = self._end
        faults.point(self._points.after_sync)

    def _roll_back(self, good_end: int) -> None:
        """Cut the file back to its last good line. After a failed sync that is the last durable one: the
        kernel may have dropped the pages in between, and would report the next sync as a success."""
        self._end = good_end
        self._synced = min(self._synced, good_end)
        self._damaged = True
        with contextlib.suppress(OSError):  # The next append repairs first, and fails as long as it cannot.
            self._repair()

    def _repair(self) -> None:
        if self._damaged:
            os.ftruncate(self._fd, self._end)
            os.fsync(self._fd)
            self._damaged = False
        if self._name_unsynced:
            sync_directory(self._path.parent)
            self._name_unsynced = False

    def _discard(self, item: _DiscardBefore) -> None:
        try:
            self._repair()
            faults.point(self._points.before_discard)
            self._swap_file(os.pread(self._fd, self._end - item.offset, item.offset))
            faults.point(self._points.after_discard)
            self._repair()
        except OSError as error:
            self._tell_unavailable([item], os.strerror(error.errno or 0))
            return
        _tell([item], [self._end])

    def _swap_file(self, content: bytes) -> None:
        """Rename a new file over the log. The new descriptor exists before the name moves, so no append can
        go to a file without a name."""
        temporary = self._path.with_name(self._path.name + ".tmp")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(temporary, flags, self._mode)
        try:
            write_all(fd, content)
            os.fsync(fd)
            temporary.replace(self._path)
        except BaseException:
            os.close(fd)
            raise
        os.close(self._fd)
        self._fd, self._end, self._synced = fd, len(content), len(content)
        self._name_unsynced = True

    def _tell_unavailable(self, items: Sequence["_Append | _DiscardBefore"], cause: str) -> None:
        failures = [LogUnavailable(self._path, cause) for _ in items]
        logger.warning("%s", failures[0])
        _tell(items, failures)

    def _refuse_the_rest(self) -> None:
        """Nobody may wait for a thread that is gone."""
        self._closed = True
        left: list[_Append | _DiscardBefore] = [*self._in_flight, *self._waiting]
        self._waiting.clear()
        if left:
            self._tell_unavailable(left, "the log is closed")


def _with_newline(line: bytes) -> bytes:
    if not line or b"\n" in line:
        raise ValueError("a log line is not empty and holds no newline")
    return line + b"\n"


def _tell(items: Sequence[_Append | _DiscardBefore], outcomes: Sequence[int | Exception]) -> None:
    """Complete the futures in order, with one call into each event loop however long the batch is."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]] = {}
    for item, outcome in zip(items, outcomes, strict=True):
        by_loop.setdefault(item.loop, []).append((item.done, outcome))
    for loop, completions in by_loop.items():
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits there any more.
            loop.call_soon_threadsafe(_complete, completions)


def _complete(completions: list[tuple["asyncio.Future[int]", int | Exception]]) -> None:
    for done, outcome in completions:
        if done.done():
            continue
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
