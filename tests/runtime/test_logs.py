"""Log lines arrive whole and in order, and a log that nobody reads harms nobody."""

import io
import logging
import os
import signal
import threading
from pathlib import Path
from threading import Event  # The real one, in a test that puts another in its place.
from typing import Any

import orjson
import pytest

from payrail.runtime.logs import LogWriter, capture_standard_logging
from waiting import LIMIT_S, wait_until

CARD = "4242424242424242"


def lines_of(stream: io.BytesIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_arrive_in_order_and_the_writer_starts_again_after_its_end() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    for number in range(5000):
        writer.write({"n": number})
    writer.close()
    writer.event("info", "again", what=None)
    writer.close()
    lines = lines_of(stream)
    assert [line["n"] for line in lines[:-1]] == list(range(5000))
    assert (lines[-1]["event"], lines[-1]["level"], lines[-1]["what"]) == ("again", "info", None)


class Noticed(Event):
    """An event that is cleared when it may be, and counts how often it was set."""

    def __init__(self) -> None:
        super().__init__()
        self.gathered, self.go_on = Event(), Event()
        self.times = 0

    def set(self) -> None:
        super().set()
        self.times += 1

    def clear(self) -> None:
        self.gathered.set()
        assert self.go_on.wait(LIMIT_S)
        super().clear()


def test_an_end_that_comes_while_lines_are_gathered_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    with monkeypatch.context() as patched:
        patched.setattr("payrail.runtime.logs.threading.Event", Noticed)
        writer.write({"n": 1})
    wake = writer._wake
    assert isinstance(wake, Noticed)
    assert wake.gathered.wait(LIMIT_S)
    closing = threading.Thread(target=writer.close, args=(10 * LIMIT_S,), daemon=True)
    closing.start()
    wait_until(lambda: wake.times == 2, "the writer is asked to end")
    wake.go_on.set()
    wait_until(lambda: not closing.is_alive(), "it has ended")
    assert lines_of(stream) == [{"n": 1}]


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    writer.write({"a": ValueError("x"), 1: {2}})  # type: ignore[dict-item]
    writer.write({"a": "\ud800"})
    writer.close()
    assert lines_of(stream) == [{"a": "x", "1": "{2}"}, {"a": "'\\ud800'"}]


def test_a_traceback_is_logged_without_card_numbers() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    writer.exception("failed", ValueError(f"refused 4242 4242 4242 4242 and {CARD}"), service="toy")
    writer.close()
    (line,) = lines_of(stream)
    assert (line["error"], line["service"], line["level"]) == ("ValueError", "toy", "error")
    assert "ValueError: refused [card number] and [card number]" in str(line["traceback"])


def test_a_reader_that_is_gone_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as stream:
        writer = LogWriter(stream)
        writer.event("info", "nobody hears this")
        writer.close()
    stream_that_is_closed = io.BytesIO()
    closed = LogWriter(stream_that_is_closed)
    stream_that_is_closed.close()
    closed.event("info", "nor this")
    closed.close()


class SlowOnce(io.BytesIO):
    """A stream whose first write waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def write(self, lines: Any, /) -> int:
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(LIMIT_S)
        return super().write(lines)


def test_a_slow_reader_costs_lines_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payrail.runtime.logs._LINES_WAITING_MAX", 100)
    stream = SlowOnce()
    writer = LogWriter(stream)
    writer.write({"n": 0})
    assert stream.begun.wait(LIMIT_S)
    for number in range(1, 5000):
        writer.write({"n": number})
    stream.go_on.set()
    writer.close(LIMIT_S)
    lines = lines_of(stream)
    (dropped,) = [line for line in lines if line.get("event") == "log_lines_dropped"]
    assert [line["n"] for line in lines if "n" in line] == list(range(101))
    assert dropped["count"] == 4899


def test_lines_that_come_while_the_writer_ends_keep_their_order_and_do_not_keep_later_ones_back() -> None:
    stream = SlowOnce()
    writer = LogWriter(stream)
    writer.write({"n": 1})
    assert stream.begun.wait(LIMIT_S)
    closing = threading.Thread(target=writer.close, args=(10 * LIMIT_S,), daemon=True)
    closing.start()
    wait_until(lambda: writer._thread is None, "the writer is asked to end")
    writer.write({"n": 2})
    wait_until(lambda: not writer._awake, "another thread has been woken for the second line")
    stream.go_on.set()
    wait_until(lambda: not closing.is_alive(), "the first thread has ended")
    wait_until(lambda: len(lines_of(stream)) == 2, "the second line is written")
    writer.write({"n": 3})
    wait_until(lambda: len(lines_of(stream)) == 3, "the third line is written")
    assert [line["n"] for line in lines_of(stream)] == [1, 2, 3]
    writer.close()


def test_the_standard_loggers_write_into_the_same_stream() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        capture_standard_logging(writer)
        capture_standard_logging(writer)
        logging.getLogger("some.library").warning("odd card %s", CARD)
        logging.getLogger("uvicorn.access").info("GET /x")
        logging.getLogger("httpx").info("HTTP Request: GET /x")
        logging.getLogger("some.library").error("failed", exc_info=OSError("disk"))
    finally:
        root.handlers[:] = before
    writer.close()
    # Another library may have something to say of what earlier tests left to the garbage collection.
    odd, failed = [line for line in lines_of(stream) if line.get("logger") == "some.library"]
    assert (odd["level"], odd["logger"], odd["message"]) == (
        "warning",
        "some.library",
        "odd card [card number]",
    )
    assert (failed["error"], failed["message"]) == ("OSError", "failed")


def test_a_forked_child_logs_whatever_the_writer_was_at_then(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("ab", buffering=0) as stream:
        writer = LogWriter(stream)
        writer.event("info", "of the parent")
        writer.close()
        with writer._wake._cond:  # type: ignore[attr-defined] # As the thread does to see whether it is woken.
            child = os.fork()
            if child == 0:
                writer.event("info", "of the child")
                writer.close()
                os._exit(0)
        try:
            wait_until(lambda: os.waitpid(child, os.WNOHANG)[0] == child, "the child has ended")
        except AssertionError:
            os.kill(child, signal.SIGKILL)
            raise
    assert [orjson.loads(line)["event"] for line in path.read_bytes().splitlines()] == [
        "of the parent",
        "of the child",
    ]
