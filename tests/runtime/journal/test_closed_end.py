"""The note of where the ledger ended when it was closed in order, and a start that holds the books against it."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from payrail.ledger.entry import Book
from payrail.ledger_jobs.books.scanned import ScannedBooks
from payrail.runtime.journal import FileJournal, LedgerCorrupt
from payrail.runtime.journal.ledger_files import LedgerEnd
from stand_ins.forged_ledger import resealed
from stand_ins.payments import created, in_book, pay

Open = Callable[[], Awaitable[FileJournal]]
Damage = Callable[[list[bytes]], list[bytes]]


def _hashes(directory: Path) -> Iterator[bytes]:
    for line in (directory / "payments.jsonl").read_bytes().splitlines(keepends=True):
        yield line[-67:-3]


async def test_a_clean_stop_notes_the_end_and_the_next_start_takes_the_note_away(
    directory: Path, open_journal: Open
) -> None:
    journal = await open_journal()
    await journal.append("payments", created(pay(1)))
    assert not LedgerEnd.path(directory).exists()
    await journal.close()
    entry = next(iter(_hashes(directory)))
    assert LedgerEnd.path(directory).read_bytes() == b'{"seq":1,"hash":"%b"}\n' % entry
    again = await open_journal()
    assert not LedgerEnd.path(directory).exists()
    await again.close()


async def test_the_first_of_two_to_close_notes_what_the_other_appended_as_well(
    directory: Path, open_journal: Open
) -> None:
    mine, other = await open_journal(), await open_journal()
    await other.append("payments", created(pay(1)))
    await mine.close()
    assert LedgerEnd.path(directory).read_bytes().startswith(b'{"seq":1,')
    await other.append("payments", created(pay(2)))
    await other.close()
    assert LedgerEnd.path(directory).read_bytes().startswith(b'{"seq":2,')


async def test_an_empty_ledger_has_no_end_to_note(directory: Path, open_journal: Open) -> None:
    await (await open_journal()).close()
    assert not LedgerEnd.path(directory).exists()


# ---- a start after a clean stop -----------------------------------------------------------------------------------


@pytest.fixture
async def closed(directory: Path, open_journal: Open) -> Path:
    """Two entries of payments, two of refunds, closed in order."""
    journal = await open_journal()
    books: list[Book] = ["payments", "payments", "refunds", "refunds"]
    for number, book in enumerate(books):
        await journal.append(book, in_book(book, created(pay(number))))
    await journal.close()
    return directory


def _damage(directory: Path, book: str, damage: Damage) -> dict[str, bytes]:
    path = directory / f"{book}.jsonl"
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    return _contents(directory)


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != ".lock"}


LOST = [
    pytest.param(
        lambda lines: lines[:-1], "its books end at seq 3: what followed is missing", id="last line"
    ),
    pytest.param(lambda lines: [], "its books end at seq 2: what followed is missing", id="whole book"),
    pytest.param(
        lambda lines: [lines[0][:40]], "its books end at seq 2: what followed is missing", id="cut twice"
    ),
    pytest.param(
        lambda lines: [lines[0], resealed(lines[1], lambda line: line.update(at="2020"))],
        "that entry is missing: another one stands in its place",
        id="another line in its place",
    ),
]


@pytest.mark.parametrize(("damage", "reason"), LOST)
async def test_a_start_after_a_clean_stop_refuses_a_ledger_whose_end_is_missing(
    closed: Path, open_journal: Open, damage: Damage, reason: str
) -> None:
    before = _damage(closed, "refunds", damage)
    for _process in ("the first one", "its sibling"):
        with pytest.raises(LedgerCorrupt) as corrupt:
            await open_journal()
        assert str(corrupt.value) == f"closed.json line 1: the ledger was closed at seq 4, but {reason}"
        assert _contents(closed) == before, "what a person has to look at stays as it is"


@pytest.mark.parametrize(("damage", "reason"), LOST)
async def test_jobs_without_a_stack_refuse_it_as_well(closed: Path, damage: Damage, reason: str) -> None:
    before = _damage(closed, "refunds", damage)
    with pytest.raises(LedgerCorrupt, match=reason):
        ScannedBooks(closed, lambda: "le_unused")
    assert _contents(closed) == before


async def test_a_note_of_the_end_that_cannot_be_read_refuses_a_start(
    closed: Path, open_journal: Open
) -> None:
    LedgerEnd.path(closed).write_bytes(b"{}")
    with pytest.raises(LedgerCorrupt, match=r"closed\.json line 1: it cannot be read"):
        await open_journal()
    assert LedgerEnd.path(closed).read_bytes() == b"{}"


async def test_after_a_start_a_shorter_ledger_is_what_a_crash_left(closed: Path, open_journal: Open) -> None:
    """A machine that loses power may lose lines that nobody was told of: the note is gone while the ledger is open."""
    killed = await open_journal()
    _damage(closed, "refunds", lambda lines: lines[:-1])
    restarted = await open_journal()
    assert restarted.seq == 3
    await restarted.close()
    killed._release()


async def test_a_sibling_starts_beside_a_ledger_that_another_one_closed_and_went_on_with(
    closed: Path, open_journal: Open
) -> None:
    running, stopped = await open_journal(), await open_journal()
    await stopped.close()
    await running.append("payments", created(pay(9)))
    sibling = await open_journal()
    assert sibling.seq == 5
    await sibling.close()
    await running.close()


async def test_a_torn_last_line_is_quarantined_as_after_a_crash(closed: Path, open_journal: Open) -> None:
    _damage(closed, "refunds", lambda lines: [lines[0], lines[1][:40]])
    journal = await open_journal()
    assert journal.seq == 3
    assert (closed / "refunds.jsonl.quarantine").exists()
    await journal.close()
