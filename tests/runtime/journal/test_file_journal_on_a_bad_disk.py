"""A disk that refuses a write, a sync, a cut or a quarantine costs no entry and leaves no gap."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from journal_contract import require_unbroken

from payrail.ledger.entry import BOOKS
from payrail.ledger.state import Committed
from payrail.runtime import faults
from payrail.runtime.append_log import quarantine_torn_tail
from payrail.runtime.durable_file import write_all
from payrail.runtime.journal import FileJournal, LedgerUnavailable, ledger_files
from payrail.runtime.journal.ledger_files import (
    AFTER_SYNC,
    BEFORE_SYNC,
)
from stand_ins.payments import created, in_book, pay

Open = Callable[[], Awaitable[FileJournal]]


def _lines(directory: Path, book: str) -> list[bytes]:
    return (directory / f"{book}.jsonl").read_bytes().splitlines(keepends=True)


# ---- a disk that refuses ------------------------------------------------------------------------------------------


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Writes of a book fail with the errno in the list, after half of the bytes were written; empty: they succeed."""
    errors: list[int] = []

    def write_or_refuse(fd: int, data: bytes) -> None:
        if errors:
            os.write(fd, data[: len(data) // 2])
            raise OSError(errors[0], os.strerror(errors[0]))
        write_all(fd, data)

    monkeypatch.setattr(ledger_files, "write_all", write_or_refuse)
    return errors


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_a_disk_that_refuses_a_write_leaves_the_ledger_sound(
    journal: FileJournal, directory: Path, refusing: list[int], code: int
) -> None:
    await journal.append("payments", created(pay(1)))
    before = {book: (directory / f"{book}.jsonl").read_bytes() for book in BOOKS}
    refusing.append(code)
    results = await asyncio.gather(
        *(journal.append(BOOKS[n % 3], in_book(BOOKS[n % 3], created(pay(n)))) for n in range(2, 8)),
        return_exceptions=True,
    )
    assert all(isinstance(result, LedgerUnavailable) for result in results)
    assert not journal.sound
    assert {book: (directory / f"{book}.jsonl").read_bytes() for book in BOOKS} == before
    assert set(journal.state.payments) == {pay(1)}
    refusing.clear()
    again = await journal.append("refunds", in_book("refunds", created(pay(2))))
    assert isinstance(again, Committed), "the key of the refused request is free"
    assert again.entry.seq == 2
    assert journal.sound


async def test_a_later_book_that_is_refused_takes_the_earlier_ones_back_too(
    journal: FileJournal, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def refuse_the_third(fd: int, data: bytes) -> None:
        calls.append(fd)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "full")
        write_all(fd, data)

    monkeypatch.setattr(ledger_files, "write_all", refuse_the_third)
    results = await asyncio.gather(
        *(journal.append(book, in_book(book, created(pay(n)))) for n, book in enumerate(BOOKS)),
        return_exceptions=True,
    )
    assert all(isinstance(result, LedgerUnavailable) for result in results)
    assert [_lines(directory, book) for book in BOOKS] == [[], [], []]
    assert isinstance(await journal.append("payments", created(pay(9))), Committed)


async def test_a_write_is_taken_back_from_the_last_book_on_so_that_no_crash_leaves_a_gap(
    journal: FileJournal, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    ftruncate = os.ftruncate

    def cut_and_look(fd: int, length: int) -> None:
        ftruncate(fd, length)
        seen.append([len(_lines(directory, book)) for book in BOOKS])

    def fail() -> None:
        if _lines(directory, "disputes"):
            raise OSError(errno.EIO, "the sync failed")

    monkeypatch.setattr(os, "ftruncate", cut_and_look)
    with faults.armed(AFTER_SYNC, fail):
        results = await asyncio.gather(
            *(journal.append(book, in_book(book, created(pay(n)))) for n, book in enumerate(BOOKS)),
            return_exceptions=True,
        )
    assert all(isinstance(result, LedgerUnavailable) for result in results)
    assert seen == [[1, 1, 0], [1, 0, 0], [0, 0, 0]]


async def test_a_disk_that_refuses_to_take_back_leaves_a_prefix_that_the_next_append_goes_on_from(
    journal: FileJournal, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ftruncate = os.ftruncate
    refuse = [True]

    def refuse_to_cut(fd: int, length: int) -> None:
        if refuse:
            raise OSError(errno.EIO, "not now")
        ftruncate(fd, length)

    def fail() -> None:
        if refuse:
            raise OSError(errno.EIO, "the sync failed")

    monkeypatch.setattr(os, "ftruncate", refuse_to_cut)
    with faults.armed(BEFORE_SYNC, fail):
        with pytest.raises(LedgerUnavailable):
            await journal.append("payments", created(pay(1)))
        refuse.clear()
        assert isinstance(await journal.append("payments", created(pay(2))), Committed)
    require_unbroken(list(journal.tail(0)))
    assert {entry.entity for entry in journal.tail(0)} == {pay(1), pay(2)}, "what stayed on disk counts"
    assert len(_lines(directory, "payments")) == 2


async def test_a_quarantine_that_the_disk_refuses_can_be_tried_again(
    directory: Path, open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was read before the refusal may be forgotten, or the next look would see a gap."""
    mine, other = await open_journal(), await open_journal()
    for number, book in enumerate(BOOKS):
        await other.append(book, in_book(book, created(pay(number))))
    with (directory / "disputes.jsonl").open("ab") as file:
        file.write(b'{"seq":4,')

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(ledger_files, "quarantine_torn_tail", refuse)
    with pytest.raises(LedgerUnavailable):
        await mine.append("payments", created(pay(8)))
    monkeypatch.setattr(ledger_files, "quarantine_torn_tail", quarantine_torn_tail)
    assert isinstance(await mine.append("payments", created(pay(9))), Committed)
    assert mine.sound
    require_unbroken(list(mine.tail(0)))
    assert mine.seq == 4
    await mine.close()
    await other.close()
