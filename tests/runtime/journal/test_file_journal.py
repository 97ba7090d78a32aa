"""The journal on files: the port's promises, group commit, and what a broken file or a full disk does to it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from journal_contract import JournalContract, Refused, require_unbroken

from payrail.ledger.entry import BOOKS, Draft
from payrail.ledger.state import Committed, LedgerState
from payrail.runtime import faults
from payrail.runtime.journal import FileJournal, LedgerCorrupt, LedgerUnavailable
from payrail.runtime.journal.ledger_files import (
    AFTER_SYNC,
    BEFORE_SYNC,
    BEFORE_WRITE,
)
from payrail.runtime.shared_lock import SharedLock
from stand_ins.forged_ledger import draft_of, resealed, write_ledger
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, created, in_book, pay
from waiting import LIMIT_S

Open = Callable[[], Awaitable[FileJournal]]


class TestFileJournal(JournalContract):
    pass


def _lines(directory: Path, book: str) -> list[bytes]:
    return (directory / f"{book}.jsonl").read_bytes().splitlines(keepends=True)


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != ".lock"}


# ---- group commit -----------------------------------------------------------------------------------------------


async def test_many_concurrent_appends_share_few_syncs(journal: FileJournal) -> None:
    syncs: list[None] = []
    with faults.armed(AFTER_SYNC, lambda: syncs.append(None)):
        await asyncio.gather(*(journal.append("payments", created(pay(n))) for n in range(200)))
    assert len(syncs) <= 2
    assert journal.seq == 200


async def test_while_one_batch_is_written_the_next_one_gathers(journal: FileJournal) -> None:
    at_disk, go_on = threading.Event(), threading.Event()
    syncs: list[None] = []

    def hold() -> None:
        syncs.append(None)
        at_disk.set()
        assert go_on.wait(LIMIT_S)

    with faults.armed(BEFORE_SYNC, hold):
        first = asyncio.create_task(journal.append("payments", created(pay(0))))
        assert await asyncio.to_thread(at_disk.wait, LIMIT_S)
        others = [asyncio.create_task(journal.append("payments", created(pay(n)))) for n in range(1, 50)]
        await asyncio.sleep(0)
        assert not first.done()
        assert journal.state.payments == {}, "nothing shows before it is durable"
        go_on.set()
        await asyncio.gather(first, *others)
    assert len(syncs) == 2


async def test_a_refusal_waits_for_the_entry_it_may_rest_on(journal: FileJournal) -> None:
    """A caller that is told `the key is used` must find the entry that used it, whatever happens next."""
    at_disk, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        at_disk.set()
        assert go_on.wait(LIMIT_S)

    def refuse(state: LedgerState) -> Draft:
        assert state.latest_payment(pay(1)) is not None
        raise Refused

    with faults.armed(AFTER_SYNC, hold):
        appended = asyncio.create_task(journal.append("payments", created(pay(1))))
        refused = asyncio.create_task(journal.append("payments", refuse))
        assert await asyncio.to_thread(at_disk.wait, LIMIT_S)
        assert not refused.done()
        go_on.set()
        assert isinstance(await appended, Committed)
        with pytest.raises(Refused):
            await refused


async def test_a_batch_is_split_by_book_with_consecutive_numbers_each(
    journal: FileJournal, directory: Path
) -> None:
    order = ["disputes", "payments", "refunds", "payments", "disputes", "payments"]
    results = await asyncio.gather(
        *(journal.append(book, in_book(book, created(pay(n)))) for n, book in enumerate(order))  # type: ignore[arg-type]
    )
    by_book: dict[str, list[int]] = {book: [] for book in BOOKS}
    for result in results:
        assert isinstance(result, Committed)
        by_book[result.entry.book].append(result.entry.seq)
    assert by_book == {"payments": [1, 2, 3], "refunds": [4], "disputes": [5, 6]}
    assert [len(_lines(directory, book)) for book in BOOKS] == [3, 1, 2]


async def test_each_book_is_synced_before_the_next_one_is_touched(
    journal: FileJournal, directory: Path
) -> None:
    sizes: list[list[int]] = []

    def look() -> None:
        sizes.append([len(_lines(directory, book)) for book in BOOKS])

    with faults.armed(BEFORE_WRITE, look), faults.armed(AFTER_SYNC, look):
        await asyncio.gather(
            *(journal.append(book, in_book(book, created(pay(n)))) for n, book in enumerate(BOOKS))
        )
    assert sizes == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]


# ---- reopening, and a second journal ----------------------------------------------------------------------------


async def test_what_was_appended_is_there_after_reopening(open_journal: Open) -> None:
    journal = await open_journal()
    await asyncio.gather(
        *(journal.append(BOOKS[n % 3], in_book(BOOKS[n % 3], created(pay(n)))) for n in range(30))
    )
    state = journal.state
    await journal.close()
    again = await open_journal()
    assert again.state.payments == state.payments
    assert again.state.claims == state.claims
    assert again.state.payments_of == state.payments_of
    assert again.seq == 30
    require_unbroken(list(again.tail(0)))
    await again.append("payments", created(pay(99)))
    assert again.seq == 31
    await again.close()


async def test_a_closed_journal_refuses_and_is_closed_once(open_journal: Open) -> None:
    journal = await open_journal()
    waiting = asyncio.create_task(journal.append("payments", created(pay(1))))
    await asyncio.sleep(0)
    await journal.close()
    assert isinstance(await waiting, Committed), "what was queued is still written"
    await journal.close()
    with pytest.raises(LedgerUnavailable):
        await journal.append("payments", created(pay(2)))


async def test_catching_up_shows_what_another_journal_appended(open_journal: Open) -> None:
    mine, other = await open_journal(), await open_journal()
    await other.append("payments", created(pay(1)))
    assert pay(1) not in mine.state.payments
    await mine.catch_up()
    assert mine.state.payments == other.state.payments
    assert mine.read(pay(1)) == other.read(pay(1))
    await mine.close()
    await other.close()


async def test_a_decision_sees_what_another_journal_appended(open_journal: Open) -> None:
    mine, other = await open_journal(), await open_journal()
    await other.append("payments", created(pay(1), key="k"))
    result = await mine.append("payments", created(pay(2), key="k"))
    assert not isinstance(result, Committed)
    assert mine.seq == 1
    await mine.close()
    await other.close()


async def test_two_journals_at_once_make_one_sequence(open_journal: Open) -> None:
    journals = [await open_journal(), await open_journal()]
    await asyncio.gather(
        *(journals[n % 2].append(BOOKS[n % 3], in_book(BOOKS[n % 3], created(pay(n)))) for n in range(100))
    )
    for journal in journals:
        await journal.catch_up()
        entries = list(journal.tail(0))
        assert len(entries) == 100
        require_unbroken(entries)
        await journal.close()


async def test_the_lock_of_another_writer_is_waited_for_without_blocking_the_loop(
    journal: FileJournal, directory: Path
) -> None:
    lock = SharedLock(directory / ".lock")
    assert lock.try_acquire()
    waiting = asyncio.create_task(journal.append("payments", created(pay(1))))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    lock.release()
    assert isinstance(await asyncio.wait_for(waiting, LIMIT_S), Committed)
    lock.close()


async def test_others_may_have_the_lock_while_a_durable_batch_is_shown_to_readers(
    journal: FileJournal, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a reader that looks in between does not take what it sees for all there is."""
    lock, publish = SharedLock(directory / ".lock"), journal.state.publish
    free: list[bool] = []
    waits: list[bool] = []

    def show() -> None:
        free.append(lock.try_acquire())
        if free[-1]:
            lock.release()
            waits.append(lock.count != journal._seen)
        publish()

    monkeypatch.setattr(journal.state, "publish", show)
    await journal.append("payments", created(pay(1)))
    assert free[-1]
    assert waits == [True]
    assert lock.count == journal._seen
    assert pay(1) in journal.state.payments
    lock.close()


# ---- torn tails and corruption ------------------------------------------------------------------------------------


def _sound_ledger(directory: Path) -> list[bytes]:
    memory = MemoryJournal()
    desk = Desk(memory)
    desk.captured(pay(1))
    memory.append_now("refunds", in_book("refunds", created(pay(2))))
    desk.create(pay(3))
    return write_ledger(directory.parent, [draft_of(entry) for entry in memory.entries])


async def test_a_torn_tail_is_quarantined_at_open(directory: Path, open_journal: Open) -> None:
    _sound_ledger(directory)
    whole = (directory / "payments.jsonl").read_bytes()
    torn = b'{"seq":8,"id":"le_'
    (directory / "payments.jsonl").write_bytes(whole + torn)
    journal = await open_journal()
    assert (directory / "payments.jsonl").read_bytes() == whole
    assert (directory / "payments.jsonl.quarantine").read_bytes() == torn + b"\n"
    assert isinstance(await journal.append("payments", created(pay(9))), Committed)
    assert journal.seq == 8
    await journal.close()


async def test_a_torn_tail_of_a_dead_writer_is_quarantined_by_the_next_append(
    directory: Path, open_journal: Open
) -> None:
    _sound_ledger(directory)
    journal = await open_journal()
    with (directory / "refunds.jsonl").open("ab") as book:
        book.write(b'{"seq":8,')
    assert isinstance(await journal.append("refunds", in_book("refunds", created(pay(9)))), Committed)
    assert (directory / "refunds.jsonl.quarantine").read_bytes() == b'{"seq":8,\n'
    assert len(_lines(directory, "refunds")) == 2
    await journal.close()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        pytest.param(
            lambda lines: [*lines[:2], lines[2].replace(b"pi_1", b"pi_2"), *lines[3:]], 3, id="value"
        ),
        pytest.param(
            lambda lines: [*lines[:2], lines[2].replace(b"seq", b"sEq"), *lines[3:]], 3, id="member"
        ),
        pytest.param(lambda lines: [*lines[:2], *lines[3:]], 3, id="gap"),
        pytest.param(lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, id="twice"),
        pytest.param(
            lambda lines: [*lines[:2], resealed(lines[2], lambda line: line.update(at="2020")), *lines[3:]],
            4,
            id="resealed",
        ),
    ],
)
async def test_a_complete_line_that_is_wrong_refuses_to_open_and_changes_nothing(
    directory: Path, open_journal: Open, damage: Callable[[list[bytes]], list[bytes]], named: int
) -> None:
    _sound_ledger(directory)
    (directory / "payments.jsonl").write_bytes(b"".join(damage(_lines(directory, "payments"))))
    before = _contents(directory)
    with pytest.raises(LedgerCorrupt, match=rf"payments\.jsonl line {named}:") as corrupt:
        await open_journal()
    assert (corrupt.value.path.name, corrupt.value.line) == ("payments.jsonl", named)
    assert _contents(directory) == before


async def test_an_entry_that_may_not_follow_refuses_to_open(directory: Path, open_journal: Open) -> None:
    memory = MemoryJournal()
    Desk(memory).captured(pay(1))
    first, _started, authorized, *_ = [draft_of(entry) for entry in memory.entries]
    write_ledger(directory.parent, [first, draft_of(memory.entries[2], version=2)])
    assert authorized.version == 3
    with pytest.raises(LedgerCorrupt, match=r"payments\.jsonl line 2"):
        await open_journal()


async def test_corruption_while_running_stops_appends_and_health_and_overwrites_nothing(
    directory: Path, open_journal: Open
) -> None:
    _sound_ledger(directory)
    journal = await open_journal()
    with (directory / "payments.jsonl").open("ab") as book:
        book.write(b'{"seq":8,"nonsense":true}\n')
    before = _contents(directory)
    with pytest.raises(LedgerUnavailable):
        await journal.append("payments", created(pay(9)))
    assert not journal.sound
    assert _contents(directory) == before
    await journal.close()
    assert _contents(directory) == before, "a ledger that is not sound is not noted as closed in order"
