"""The append log keeps what it acknowledged, whole and in order, and nothing else."""

import asyncio
import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from payrail.runtime import faults
from payrail.runtime.append_log import (
    AppendLog,
    LockHeld,
    LogUnavailable,
    TornTail,
    quarantine_torn_tail,
    read_complete_lines,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "book.jsonl"


@pytest.fixture
def log(path: Path) -> Iterator[AppendLog]:
    opened = AppendLog.open(path, name="test.log")
    yield opened
    opened.close()


def contents(log: AppendLog) -> list[bytes]:
    return [line for _, line in log.lines()]


async def test_appended_lines_are_replayed_in_order_with_their_offsets(log: AppendLog, path: Path) -> None:
    assert await log.append(b'{"n":1}') == 8
    assert await log.append_many([b'{"n":2}', b'{"n":30}']) == 25
    assert list(log.lines()) == [(0, b'{"n":1}'), (8, b'{"n":2}'), (16, b'{"n":30}')]
    assert path.read_bytes() == b'{"n":1}\n{"n":2}\n{"n":30}\n'


async def test_lines_of_one_turn_of_the_loop_keep_the_order_of_the_calls_and_share_one_sync(
    log: AppendLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = 0
    real_sync = os.fdatasync

    def counted(fd: int) -> None:
        nonlocal syncs
        syncs += 1
        real_sync(fd)

    monkeypatch.setattr(os, "fdatasync", counted)
    await asyncio.gather(*(log.append(b"%d" % n) for n in range(500)))
    assert contents(log) == [b"%d" % n for n in range(500)]
    assert syncs == 1


async def test_the_log_is_continued_after_reopening(path: Path) -> None:
    first = AppendLog.open(path)
    await first.append(b"one")
    first.close()
    second = AppendLog.open(path)
    await second.append(b"two")
    assert contents(second) == [b"one", b"two"]
    second.close()


async def test_close_writes_what_was_submitted_and_refuses_more(path: Path) -> None:
    log = AppendLog.open(path)
    pending = log.submit([b"late"])
    log.close()
    log.close()
    assert await pending == 5
    assert path.read_bytes() == b"late\n"
    with pytest.raises(LogUnavailable, match="closed"):
        await log.append(b"too late")


@pytest.mark.parametrize("line", [b"", b"a\nb", b"a\n"])
async def test_a_line_that_would_be_none_or_two_is_refused(log: AppendLog, line: bytes) -> None:
    with pytest.raises(ValueError, match="line"):
        await log.append(line)
    assert contents(log) == []


async def test_a_cancelled_append_is_still_written(log: AppendLog) -> None:
    task = asyncio.ensure_future(log.append(b"abandoned"))
    await asyncio.sleep(0)
    task.cancel()
    await log.append(b"next")
    assert task.cancelled()
    assert contents(log) == [b"abandoned", b"next"]


async def test_an_append_without_sync_is_written_but_not_synced(
    log: AppendLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sync(_fd: int) -> None:
        raise AssertionError("synced")

    monkeypatch.setattr(os, "fdatasync", no_sync)
    await log.append(b"fast", durable=False)
    assert contents(log) == [b"fast"]


def test_a_second_writer_is_refused_and_told_who_writes(log: AppendLog, path: Path) -> None:
    with pytest.raises(LockHeld, match=rf"book\.jsonl\.lock is held by process {os.getpid()}"):
        AppendLog.open(path)
    assert contents(log) == []


@pytest.mark.parametrize("torn", [b'{"n":2', b"\0\0\0", b"x" * 3_000_000], ids=["half", "zeros", "long"])
def test_a_torn_last_line_is_quarantined_and_reported(path: Path, torn: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"n":1}\n' + torn)
    reported: list[TornTail] = []
    log = AppendLog.open(path, on_torn=reported.append)
    assert contents(log) == [b'{"n":1}']
    assert path.read_bytes() == b'{"n":1}\n'
    assert path.with_name("book.jsonl.quarantine").read_bytes() == torn + b"\n"
    assert [(torn.path, torn.offset) for torn in reported] == [(path, 8)]
    log.close()


def test_a_torn_line_is_logged_without_its_content(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"secret":"val')
    AppendLog.open(path).close()
    assert "14 bytes from offset 0" in caplog.text
    assert "secret" not in caplog.text


def test_quarantine_leaves_a_whole_file_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"one\n")
    assert quarantine_torn_tail(path) is None
    path.write_bytes(b"")
    assert quarantine_torn_tail(path) is None
    assert list(path.parent.iterdir()) == [path]


def test_reading_stops_at_the_last_newline_and_goes_on_from_there(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"one\n\ntwo\nthr")
    with path.open("rb") as file:
        assert read_complete_lines(file.fileno(), 0) == ([b"one", b"", b"two"], 9)
        assert read_complete_lines(file.fileno(), 9) == ([], 9)
        assert read_complete_lines(file.fileno(), 0, 7) == ([b"one", b""], 5)


async def test_lines_longer_than_a_read_chunk_come_back_whole(log: AppendLog) -> None:
    long = [b"a" * 2_500_000, b"b", b"c" * 1_100_000]
    await log.append_many(long)
    assert contents(log) == long


async def test_a_full_disk_fails_the_append_and_leaves_no_half_line(log: AppendLog, path: Path) -> None:
    """The kernel's own limit on file sizes: it takes a part of the write and refuses the rest, as a full
    disk does."""
    await log.append(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(LogUnavailable, match="File too large"):
            await log.append(b"x" * 100)
        assert path.read_bytes() == b"before\n"
        await log.append(b"fits")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await log.append(b"after")
    assert contents(log) == [b"before", b"fits", b"after"]
    assert path.read_bytes() == b"before\nfits\nafter\n"


async def test_a_failed_sync_takes_every_line_of_the_batch_back(log: AppendLog, path: Path) -> None:
    await log.append(b"durable")
    await log.append(b"only written", durable=False)

    def fail() -> None:
        raise OSError(errno.EIO, "no")

    with faults.armed("test.log.before_sync", fail):
        outcomes = await asyncio.gather(log.append(b"a"), log.append(b"b"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LogUnavailable, LogUnavailable]
    assert path.read_bytes() == b"durable\n", (
        "what was not synced may be lost with a failed sync, what was, never"
    )
    await log.append(b"c")
    assert contents(log) == [b"durable", b"c"]


async def test_a_log_that_cannot_be_repaired_takes_nothing_until_it_can(
    log: AppendLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "no")

    with faults.armed("test.log.half_written", fail), monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate", fail)
        with pytest.raises(LogUnavailable):
            await log.append(b"first")
    with monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate", fail)
        with pytest.raises(LogUnavailable):
            await log.append(b"second")
        assert path.read_bytes() == b"fir", "nothing may follow the half line"
    await log.append(b"third")
    assert path.read_bytes() == b"third\n"


async def test_discarding_keeps_the_lines_behind_the_mark(log: AppendLog, path: Path) -> None:
    mark = await log.append_many([b"old", b"older"])
    await log.append(b"new")
    assert await log.discard_before(mark) == 4
    assert path.read_bytes() == b"new\n"
    assert await log.append(b"next") == 9
    assert path.read_bytes() == b"new\nnext\n"


async def test_discarding_under_load_loses_no_later_line(log: AppendLog) -> None:
    mark = await log.append(b"old")
    appends = [log.submit([b"%d" % n]) for n in range(50)]
    discarded = log.discard_before(mark)
    appends += [log.submit([b"%d" % n]) for n in range(50, 100)]
    await asyncio.gather(discarded, *appends)
    assert contents(log) == [b"%d" % n for n in range(100)]
