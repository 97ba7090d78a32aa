"""Nobody is told of an outcome that is not on the disk yet, whoever asks and however late the disk is."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from shop import shop_on_files

from payrail.gateway.domain.answers import Rendered
from payrail.ledger.entry import Entry
from payrail.runtime.durable_file import sync_data, write_all
from payrail.runtime.journal import LedgerUnavailable, ledger_files
from waiting import LIMIT_S

_TURNS = 200


class SlowDisk:
    """A disk whose sync of one entry takes as long as the test wants; it may fail in the end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.holding = threading.Event()
        self._released = threading.Event()
        self._waits_for = b"nothing"
        self._fails = False
        self._last = b""
        monkeypatch.setattr(ledger_files, "write_all", self._write)
        monkeypatch.setattr(ledger_files, "sync_data", self._hold)

    def hold(self, entry_type: str) -> None:
        self._waits_for = entry_type.encode()

    def release(self, *, failing: bool = False) -> None:
        self._fails, self._waits_for = failing, b"nothing"
        self._released.set()

    def _write(self, fd: int, data: bytes) -> None:
        self._last = data
        write_all(fd, data)

    def _hold(self, fd: int) -> None:
        if self._waits_for in self._last:
            self.holding.set()
            assert self._released.wait(LIMIT_S), "the test forgot the disk"
        if self._fails:
            self._fails = False
            raise OSError("the disk gave up")
        sync_data(fd)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    return SlowDisk(monkeypatch)


async def _a_while(task: "asyncio.Task[Rendered]") -> None:
    """As many turns of the event loop as any answer that needs no disk would take."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    assert not task.done()


def _types(entries: list[Entry]) -> list[str]:
    return [entry.type for entry in entries]


async def test_a_retry_is_not_answered_before_the_outcome_is_durable(tmp_path: Path, disk: SlowDisk) -> None:
    async with shop_on_files(tmp_path) as shop:
        payment_id = await shop.new_payment()
        disk.hold("payment.authorized")
        first = asyncio.create_task(shop.authorize(payment_id, "authorize"))
        assert await asyncio.to_thread(disk.holding.wait, LIMIT_S)
        retry = asyncio.create_task(shop.authorize(payment_id, "authorize"))
        await _a_while(retry)
        disk.release()
        answers = await asyncio.gather(first, retry)
        assert [answer.replayed for answer in answers] == [False, True]
        assert answers[0].body == answers[1].body
        assert answers[1].body["state"] == "AUTHORIZED"


async def test_an_outcome_that_the_disk_refused_is_told_to_nobody(tmp_path: Path, disk: SlowDisk) -> None:
    async with shop_on_files(tmp_path) as shop:
        payment_id = await shop.new_payment()
        disk.hold("payment.authorized")
        first = asyncio.create_task(shop.authorize(payment_id, "authorize"))
        assert await asyncio.to_thread(disk.holding.wait, LIMIT_S)
        retry = asyncio.create_task(shop.authorize(payment_id, "authorize"))
        await _a_while(retry)
        disk.release(failing=True)
        with pytest.raises(LedgerUnavailable):
            await first
        answer = await retry
        assert (answer.status, answer.body["state"]) == (200, "AUTHORIZED")
        assert _types(shop.journal.read(payment_id)).count("payment.authorized") == 1


async def test_what_another_process_wrote_is_not_current_before_it_is_folded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop_on_files(tmp_path) as ours, shop_on_files(tmp_path) as theirs:
        payment_id = await theirs.new_payment()
        folding, go_on = threading.Event(), threading.Event()
        publish: Callable[[], None] = ours.journal.state.publish

        def publish_late() -> None:
            folding.set()
            assert go_on.wait(LIMIT_S)
            publish()

        monkeypatch.setattr(ours.journal.state, "publish", publish_late)
        folds = asyncio.create_task(ours.journal.catch_up())
        assert await asyncio.to_thread(folding.wait, LIMIT_S)
        current = asyncio.create_task(ours.journal.catch_up())
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        assert not current.done()
        go_on.set()
        await asyncio.gather(folds, current)
        assert payment_id in ours.journal.state.payments
