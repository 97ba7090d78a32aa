"""Following the journal on files: what others write, what was long ago, and one journal for several services."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from journal_contract import require_unbroken

from payrail.ledger.state import Committed
from payrail.runtime.clock import FrozenClock
from payrail.runtime.journal import FileJournal, JournalOpener, LedgerCorrupt, follower
from stand_ins.payments import created, pay
from waiting import LIMIT_S

Open = Callable[[], Awaitable[FileJournal]]


async def _create(journal: FileJournal, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await journal.append("payments", created(pay(number)))


async def _take_all(following: follower.Follower) -> list[Committed]:
    taken: list[Committed] = []
    while batch := await following.take():
        taken += batch
    return taken


async def test_what_another_process_appends_is_followed_without_being_asked_for(open_journal: Open) -> None:
    ours, theirs = await open_journal(), await open_journal()
    news = asyncio.Event()
    following = ours.follow(0, lambda _: True, news.set)
    await _create(theirs, 1, 3)
    await _create(ours, 4, 5)
    await _create(theirs, 6, 6)
    taken: list[Committed] = []
    async with asyncio.timeout(LIMIT_S):
        while len(taken) < 6:
            await news.wait()
            news.clear()
            taken += await _take_all(following)
    require_unbroken([committed.entry for committed in taken])
    assert [committed.entry.entity for committed in taken] == [pay(number) for number in range(1, 7)]
    await theirs.close()
    await ours.close()


async def test_a_follower_that_lags_reads_from_the_files_what_it_was_shown(
    open_journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_KEPT_MAX", 4)
    monkeypatch.setattr(follower, "_READ_PER_TURN", 3)
    journal = await open_journal()
    following = journal.follow(0, lambda _: True, lambda: None)
    await _create(journal, 1, 30)
    taken = await _take_all(following)
    assert [committed.entry.seq for committed in taken] == list(range(1, 31))
    assert [committed.payment for committed in taken] == list(journal.state.payments.values())
    await _create(journal, 31, 32)
    assert [committed.entry.seq for committed in await _take_all(following)] == [31, 32]
    await journal.close()


async def test_the_services_of_a_process_share_one_journal_until_the_last_closes_it(tmp_path: Path) -> None:
    opener = JournalOpener(tmp_path, FrozenClock())
    first, second = await asyncio.gather(opener.open(), opener.open())
    assert first is second
    await opener.close()
    await _create(second, 1, 1)
    await opener.close()
    assert (tmp_path / "ledger" / "closed.json").exists()
    again = await opener.open()
    assert again is not first
    assert list(again.state.payments) == [pay(1)]
    await opener.close()


async def test_a_ledger_that_cannot_be_opened_can_be_tried_again(tmp_path: Path) -> None:
    opener = JournalOpener(tmp_path, FrozenClock())
    await _create(await opener.open(), 1, 1)
    await opener.close()
    book = tmp_path / "ledger" / "payments.jsonl"
    whole = book.read_bytes()
    book.write_bytes(whole.replace(b"USD", b"EUR", 1))
    with pytest.raises(LedgerCorrupt):
        await opener.open()
    book.write_bytes(whole)
    assert list((await opener.open()).state.payments) == [pay(1)]
    await opener.close()
