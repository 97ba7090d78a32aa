"""Structured logs: one JSON line each, written by a thread of their own, so that no reader can slow a request
down."""

import atexit
import logging
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from .card_numbers import mask_card_numbers

_LINES_WAITING_MAX = 20_000
_LINES_PER_WRITE_MAX = 1_000
_GATHERING_S = 0.02
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class Stream(Protocol):
    """Where lines of bytes go: standard error, a file."""

    def write(self, lines: bytes, /) -> object: ...

    def flush(self) -> object: ...


class LogWriter:
    """Writes JSON lines to a binary stream, in order, in batches.

    A stream that is slow makes lines wait; beyond a bound they are dropped and counted, and the count is
    logged. A stream that is closed loses them. Nothing of this reaches or blocks the caller.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._dropped = 0
        self._awake = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._writing = threading.Lock()  # Whoever follows a thread that ends waits for its last lines.
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def write(self, record: Mapping[str, Any]) -> None:
        """Logs one record. Values that JSON does not know are written as text."""
        if len(self._waiting) >= _LINES_WAITING_MAX:
            self._dropped += 1
            return
        self._waiting.append(record)
        if not self._awake:
            # Waking the thread costs more than a line does, so it is woken once for all lines of a moment.
            self._awake = True
            self._wake.set()
            if self._thread is None:
                self._start()

    def event(self, level: str, event: str, **fields: Any) -> None:
        """Logs something that is not a request."""
        self.write({"time": datetime.now(UTC), "level": level, "event": event, **fields})

    def exception(self, event: str, error: BaseException, **fields: Any) -> None:
        """Logs an error with its traceback; card numbers in it are masked."""
        text = "".join(traceback.format_exception(error))
        self.event("error", event, **fields, error=type(error).__name__, traceback=mask_card_numbers(text))

    def close(self, timeout_s: float = 2.0) -> None:
        """Writes what waits, for a limited time. Later records start the writer again."""
        with self._guard:
            thread, self._thread = self._thread, None
            wake, closing = self._wake, self._closing
        if thread is not None:
            closing.set()
            wake.set()
            thread.join(timeout_s)
            self._awake = False

    def _start(self) -> None:
        with self._guard:
            if self._thread is None:
                # Its own: the one before it may be ending still, and must neither be held up nor end this one.
                self._wake, self._closing = threading.Event(), threading.Event()
                self._wake.set()
                asked = (self._wake, self._closing)
                self._thread = threading.Thread(target=self._run, args=asked, name="log-writer", daemon=True)
                self._thread.start()

    def _forget(self) -> None:
        """After a fork, what waited belongs to the parent, and so does the thread."""
        self._waiting.clear()
        self._awake = False
        self._thread = None
        # Any of their locks may have been held at that moment, by a thread that the child does not have.
        self._wake, self._closing = threading.Event(), threading.Event()
        self._guard = threading.Lock()
        self._writing = threading.Lock()

    def _run(self, wake: threading.Event, closing: threading.Event) -> None:
        ended = False
        while not ended:
            wake.wait()
            closing.wait(_GATHERING_S)
            wake.clear()
            self._awake = False
            ended = closing.is_set()  # Who sets it after this look wakes the thread after that, too.
            with self._writing:
                while self._waiting:
                    self._put(b"".join(self._batch()))

    def _batch(self) -> list[bytes]:
        take = self._waiting.popleft
        records = [take() for _ in range(min(len(self._waiting), _LINES_PER_WRITE_MAX))]
        try:
            batch = [orjson.dumps(record, str, _OPTIONS) for record in records]
        except orjson.JSONEncodeError:
            batch = [_line(record) for record in records]
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            now = datetime.now(UTC)
            batch.append(
                _line({"time": now, "level": "warning", "event": "log_lines_dropped", "count": dropped})
            )
        return batch

    def _put(self, text: bytes) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The reader is gone. Requests go on without a log rather than not at all.
            self._dropped = 0


def _line(record: Mapping[str, Any]) -> bytes:
    try:
        # Names that are no text are seldom, and to allow for them slows every line down.
        return orjson.dumps(record, str, _OPTIONS | orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        safe = {str(name): ascii(value) for name, value in record.items()}
        return orjson.dumps(safe, option=_OPTIONS)


_stderr: LogWriter | None = None


def stderr_log() -> LogWriter:
    """The process's log: one writer on standard error, whoever asks."""
    global _stderr  # noqa: PLW0603 - a process has one standard error
    if _stderr is None:
        _stderr = LogWriter(sys.stderr.buffer)
    return _stderr


class JsonLogHandler(logging.Handler):
    """Brings the records of the standard library's loggers into the same stream and shape."""

    def __init__(self, writer: LogWriter, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        message = mask_card_numbers(record.getMessage())
        level = record.levelname.lower()
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self._writer.event(level, "log", logger=record.name, message=message)
        else:
            self._writer.exception("log", error, logger=record.name, message=message)


def capture_standard_logging(writer: LogWriter) -> None:
    """Sends warnings and errors of all libraries to `writer`, and request lines of httpx and uvicorn
    nowhere."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, JsonLogHandler)]:
        root.removeHandler(handler)
    root.addHandler(JsonLogHandler(writer))
    for name in ("httpx", "httpcore", "uvicorn.access", "connexion"):
        logging.getLogger(name).setLevel(logging.WARNING)
