"""Log lines arrive whole and in order, and a log that nobody reads harms nobody."""

import io
import logging
import os
import threading

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
    writer.close(LIMIT_S)
    writer.event("info", "again", what=None)
    writer.close(LIMIT_S)
    lines = lines_of(stream)
    assert [line["n"] for line in lines[:-1]] == list(range(5000))
    assert (lines[-1]["event"], lines[-1]["level"], lines[-1]["what"]) == ("again", "info", None)


def test_an_end_that_comes_while_lines_are_gathered_ends_the_writer() -> None:
    gathered, go_on = threading.Event(), threading.Event()

    class Wake(threading.Event):
        wakes = 0

        def set(self) -> None:
            super().set()
            self.wakes += 1

        def clear(self) -> None:
            gathered.set()
            assert go_on.wait(LIMIT_S)
            super().clear()

    stream, wake = io.BytesIO(), Wake()
    writer = LogWriter(stream)
    writer._wake = wake
    writer.write({"n": 1})
    assert gathered.wait(LIMIT_S)
    closing = threading.Thread(target=writer.close, args=(LIMIT_S,))
    closing.start()
    wait_until(lambda: wake.wakes == 2, "the writer is to end")
    go_on.set()
    closing.join(LIMIT_S / 2)
    assert not closing.is_alive()
    assert lines_of(stream) == [{"n": 1}]


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    writer.write({"a": ValueError("x"), 1: {2}})  # type: ignore[dict-item]
    writer.write({"a": "\ud800"})
    writer.close(LIMIT_S)
    assert lines_of(stream) == [{"a": "x", "1": "{2}"}, {"a": "'\\ud800'"}]


def test_a_traceback_is_logged_without_card_numbers() -> None:
    stream = io.BytesIO()
    writer = LogWriter(stream)
    writer.exception("failed", ValueError(f"refused 4242 4242 4242 4242 and {CARD}"), service="toy")
    writer.close(LIMIT_S)
    (line,) = lines_of(stream)
    assert (line["error"], line["service"], line["level"]) == ("ValueError", "toy", "error")
    assert "ValueError: refused [card number] and [card number]" in str(line["traceback"])


def test_a_reader_that_is_gone_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as stream:
        writer = LogWriter(stream)
        writer.event("info", "nobody hears this")
        writer.close(LIMIT_S)
    closed = LogWriter(io.BytesIO())
    closed._stream.close()
    closed.event("info", "nor this")
    closed.close()


def test_a_slow_reader_costs_lines_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payrail.runtime.logs._LINES_WAITING_MAX", 100)
    stuck, let_go = threading.Event(), threading.Event()

    class Stuck(io.BytesIO):
        def write(self, text: bytes) -> int:  # type: ignore[override]
            stuck.set()
            assert let_go.wait(LIMIT_S)
            return super().write(text)

    stream = Stuck()
    writer = LogWriter(stream)
    writer.write({"n": 0})
    assert stuck.wait(LIMIT_S)
    for number in range(1, 5000):
        writer.write({"n": number})
    let_go.set()
    writer.close(LIMIT_S)
    lines = lines_of(stream)
    kept = [line["n"] for line in lines if "n" in line]
    (dropped,) = [line for line in lines if line.get("event") == "log_lines_dropped"]
    assert kept == list(range(101))
    assert dropped["count"] == 5000 - 101


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
    writer.close(LIMIT_S)
    # Another library may have something to say of what earlier tests left to the garbage collection.
    odd, failed = [line for line in lines_of(stream) if line.get("logger") == "some.library"]
    assert (odd["level"], odd["logger"], odd["message"]) == (
        "warning",
        "some.library",
        "odd card [card number]",
    )
    assert (failed["error"], failed["message"]) == ("OSError", "failed")
