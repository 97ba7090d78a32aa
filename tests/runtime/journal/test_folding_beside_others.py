"""A long fold beside processes that append: nobody waits for it; what they count is how far the ledger is durable."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from payrail.ledger.entry import Entry
from payrail.ledger.state import Committed, LedgerState
from payrail.runtime.journal import FileJournal, file_journal, ledger_files
from payrail.runtime.shared_lock import SharedLock
from stand_ins.payments import created, pay
from waiting import LIMIT_S

Open = Callable[[], Awaitable[FileJournal]]


class Gate:
    """Stops whoever folds an entry, but for one who may, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: LedgerState) -> None:
        self._reached, self._opened = threading.Event(), threading.Event()
        stage = LedgerState.stage

        def stopped(state: LedgerState, entry: Entry) -> Committed:
            if state is not free:
                self._reached.set()
                assert self._opened.wait(LIMIT_S)
            return stage(state, entry)

        monkeypatch.setattr(LedgerState, "stage", stopped)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, LIMIT_S)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def lock(directory: Path) -> Iterator[SharedLock]:
    directory.mkdir()
    lock = SharedLock(directory / ".lock")
    yield lock
    lock.close()


async def append(journal: FileJournal, *numbers: int) -> None:
    for number in numbers:
        assert isinstance(await journal.append("payments", created(pay(number))), Committed)


async def test_who_opens_a_long_ledger_keeps_nobody_from_appending(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = await open_journal()
    await append(writer, 1, 2, 3)
    gate = Gate(monkeypatch, free=writer.state)
    opening = asyncio.ensure_future(open_journal())
    await gate.reached()
    await asyncio.wait_for(append(writer, 4, 5), LIMIT_S)
    gate.open()
    opened = await opening
    assert opened.state.payments == writer.state.payments
    assert len(opened.state.payments) == 5
    await opened.close()
    await writer.close()


async def test_who_was_long_away_keeps_nobody_from_appending(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_journal, "_BACKLOG_ENTRIES", 2)
    writer, reader = await open_journal(), await open_journal()
    await append(writer, 1, 2, 3)
    gate = Gate(monkeypatch, free=writer.state)
    catching_up = asyncio.ensure_future(reader.catch_up())
    await gate.reached()
    await asyncio.wait_for(append(writer, 4, 5, 6, 7), LIMIT_S)
    gate.open()
    await catching_up
    assert reader.state.payments == writer.state.payments
    assert len(reader.state.payments) == 7
    await reader.close()
    await writer.close()


async def test_who_only_looks_does_not_need_the_lock(open_journal: Open, lock: SharedLock) -> None:
    writer, reader = await open_journal(), await open_journal()
    await append(writer, 1, 2)
    assert lock.try_acquire()
    await asyncio.wait_for(reader.catch_up(), LIMIT_S)
    assert reader.state.payments == writer.state.payments
    lock.release()
    await reader.close()
    await writer.close()


async def test_who_only_looks_sees_nothing_that_is_not_durable(
    directory: Path, open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = await open_journal(), await open_journal()
    await append(writer, 1)
    reached, go_on = threading.Event(), threading.Event()

    def sync_later(fd: int) -> None:
        reached.set()
        assert go_on.wait(LIMIT_S)
        os.fdatasync(fd)

    monkeypatch.setattr(ledger_files, "sync_data", sync_later)
    appending = asyncio.ensure_future(append(writer, 2))
    assert await asyncio.to_thread(reached.wait, LIMIT_S)
    assert (directory / "payments.jsonl").read_bytes().count(b"\n") == 2
    await reader.catch_up()
    assert list(reader.state.payments) == [pay(1)]
    go_on.set()
    await appending
    await reader.catch_up()
    assert list(reader.state.payments) == [pay(1), pay(2)]
    await reader.close()
    await writer.close()


@pytest.mark.parametrize(
    "tail",
    [
        b'{"seq":2,"id":"le_', b'{"seq":2}\n', b"\n", b'{"id":"le_1"}\n{"seq":2',
        b'{"seq":' + b"9" * 5000 + b',"id":"le_1"}\n',
    ],
    ids=range(5),
)  # fmt: skip
async def test_what_follows_the_count_is_left_alone_by_who_does_not_have_the_lock(
    directory: Path, open_journal: Open, tail: bytes
) -> None:
    """It may be what a writer is writing; only the holder of the lock knows that nobody is."""
    writer, reader = await open_journal(), await open_journal()
    await append(writer, 1)
    with (directory / "payments.jsonl").open("ab") as book:
        book.write(tail)
    await reader.catch_up()
    assert list(reader.state.payments) == [pay(1)]
    assert not list(directory.glob("*.quarantine"))
    assert (directory / "payments.jsonl").read_bytes().endswith(tail)
    (directory / "payments.jsonl").write_bytes((directory / "payments.jsonl").read_bytes().removesuffix(tail))
    await reader.close()
    await writer.close()


@pytest.mark.parametrize("count", [0, 1_000_000], ids=["behind", "ahead"])
async def test_a_count_that_is_not_the_ledgers_is_set_right_by_the_next_who_has_the_lock(
    open_journal: Open, lock: SharedLock, count: int
) -> None:
    """A writer that dies between its entry and the count leaves it behind; a ledger that was put back, ahead."""
    first, second = await open_journal(), await open_journal()
    await append(first, 1, 2)
    lock.set_count(count)
    await append(second, 3)
    assert lock.count == second.seq == 3
    await first.catch_up()
    assert first.state.payments == second.state.payments
    await first.close()
    await second.close()
