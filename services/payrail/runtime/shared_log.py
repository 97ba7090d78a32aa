"""An append-only file of JSON lines that several processes write, for what happens now and then.

Each line is decided, written and synced under a lock that all processes share, against everything that was written
before it. Readers see every line that was durable when they looked; a look costs no system call when nothing is new.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from payrail.runtime import faults
from payrail.runtime.append_log import LogFaults, LogUnavailable
from payrail.runtime.durable_file import sync_data, sync_directory, write_all
from payrail.runtime.log_lines import (
    TornTail,
    quarantine_torn_tail,
    read_complete_lines,
    report_torn_tail,
)
from payrail.runtime.shared_lock import SharedLock

#: Tells what `fold` made of all lines so far; returns the line to append without its newline, or none to leave it be.
Decide = Callable[[], bytes | None]


class LogLineInvalid(Exception):
    """A complete line is not what its owner writes. Nothing is overwritten; a person has to look."""

    code = "log_line_invalid"

    def __init__(self, path: Path, line: int, cause: str) -> None:
        super().__init__(f"{path.name} line {line} cannot be read: {cause}")
        self.path = path
        self.line = line


class SharedLog:
    """One file, opened once by each process. `fold` gets every line in order, whichever process wrote it, with the
    offset where it begins.

    An append that returned is durable and whole. One that raised `LogUnavailable` left nothing behind. One whose
    process died in between is in the file whole or not at all once the next one appends.
    """

    def __init__(
        self,
        path: Path,
        fold: Callable[[int, bytes], None],
        *,
        name: str,
        mode: int = 0o644,
        on_torn: Callable[[TornTail], None] = report_torn_tail,
    ) -> None:
        """Open or create the file and fold what it holds. `name` prefixes the fault points.

        Raises `LogLineInvalid` for a line that `fold` cannot decode, now or later.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._fold = fold
        self._on_torn = on_torn
        self._points = LogFaults(name)
        self._lock = SharedLock(path.with_name(path.name + ".lock"))
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, mode)
        sync_directory(path.parent)
        self._writing = threading.Lock()
        self._folding = threading.Lock()
        self._closed = False
        self._end = self._lines = 0
        with self._lock:
            self._repair()
        self.refresh()

    def refresh(self) -> None:
        """Fold what was appended since the last look. Raises what `fold` raises, and then tries the line again."""
        if self._lock.count != self._end:
            self._fold_new()

    async def append(self, decide: Decide) -> None:
        """Append what `decide` says; it runs in a thread, with no other writer beside it.

        Returns when the line is durable and folded. Raises what `decide` raises, and `LogUnavailable`. A caller that
        is cancelled does not take its line back.
        """
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.append_now, decide))

    def append_now(self, decide: Decide) -> None:
        """As `append`, in the caller's own thread."""
        with self._writing:
            if self._closed:  # The number of its descriptor may be another file's by now.
                raise LogUnavailable(self._path, "it is closed")
            self._append_locked(decide)

    def _append_locked(self, decide: Decide) -> None:
        with self._lock:
            self._repair()
            self._fold_new()
            line = decide()
            if line is not None:
                self._write(line + b"\n")
                self._lock.set_count(self._end + len(line) + 1)
                self._fold_new()

    @property
    def end_offset(self) -> int:
        """Where the next line will begin, as far as the lines are folded."""
        return self._end

    def clear(self) -> None:
        """Drop every line, after the owner moved their effect elsewhere. Nobody else may have the log open."""
        with self._writing, self._lock:
            os.ftruncate(self._fd, 0)
            os.fsync(self._fd)
            self._end = self._lines = 0
            self._lock.set_count(0)

    def close(self) -> None:
        """Release the file, after the line that is being written. Later lines are refused."""
        with self._writing:
            self._closed = True
            os.close(self._fd)
            self._lock.close()

    def _repair(self) -> None:
        """Take over what a process left that died while it wrote: a whole line counts, a torn one goes."""
        if torn := quarantine_torn_tail(self._path, self._fd):
            self._on_torn(torn)
        self._lock.set_count(os.fstat(self._fd).st_size)

    def _write(self, line: bytes) -> None:
        try:
            faults.point(self._points.before_append)
            half = len(line) // 2 if faults.is_armed(self._points.half_written) else 0
            if half:
                write_all(self._fd, line[:half])
                faults.point(self._points.half_written)
            write_all(self._fd, line[half:])
            faults.point(self._points.before_sync)
            sync_data(self._fd)
            faults.point(self._points.after_sync)
        except OSError as error:
            with contextlib.suppress(OSError):  # What cannot be cut now is cut before the next line.
                os.ftruncate(self._fd, self._end)
            raise LogUnavailable(self._path, os.strerror(error.errno or 0)) from None

    def _fold_new(self) -> None:
        """Fold up to the length that the lock counts: behind it may stand what is not durable yet."""
        with self._folding:
            lines, _end = read_complete_lines(self._fd, self._end, self._lock.count)
            for line in lines:
                try:
                    self._fold(self._end, line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise LogLineInvalid(self._path, self._lines + 1, str(error)) from None
                self._end += len(line) + 1
                self._lines += 1
