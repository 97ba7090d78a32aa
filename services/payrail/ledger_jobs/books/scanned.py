"""Books that were scanned, not folded: enough of the ledger's state to settle a day, without a running stack.

What the jobs entered, and what refunds and disputes posted, is all that payouts and settlements depend on; of a big
day's payments nothing is kept in memory. Nobody else may write meanwhile; who does is noticed, and nothing is appended.
"""

import heapq
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from payrail.ledger.balances import Balances
from payrail.ledger.entry import BOOKS, Book, BrokenLine, Draft, Entry, seal, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.ledger.settlement_events import SETTLEMENT_EVENTS
from payrail.ledger.state import Committed, LedgerState
from payrail.ledger_jobs.books import splitting
from payrail.ledger_jobs.books.entering import Decide
from payrail.ledger_jobs.books.lines import found_lines, line_number
from payrail.runtime.journal import LedgerUnavailable
from payrail.runtime.journal.ledger_files import LedgerCorrupt, LedgerFiles, Sealed
from payrail.runtime.shared_lock import SharedLock

_POSTING_TYPES: dict[Book, tuple[str, ...]] = {
    "payments": tuple(SETTLEMENT_EVENTS),
    "refunds": (
        "refund.requested", "refund.approved", "refund.execution_started", "refund.succeeded", "refund.failed",
        "refund.not_processed",
    ),
    "disputes": ("dispute.opening_started", "dispute.opened", "dispute.won"),
}  # fmt: skip


class ScannedBooks:
    """`Books` for one process that has the ledger to itself."""

    def __init__(self, directory: Path, new_entry_id: Callable[[], str]) -> None:
        """Read what counts. Raises `LedgerCorrupt`."""
        self.state = _ScannedState()
        self._new_entry_id = new_entry_id
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = SharedLock(directory / ".lock")
        self._files = LedgerFiles(directory)
        try:
            with self._lock:
                self._files.require_closed_end()
                self._files.resume()
                for entry in _in_sequence(directory):
                    self.state.take_in(entry)
                self._files.note_opened()
        except BaseException:
            self._release()
            raise

    async def append(self, _book: Book, decide: Decide) -> Committed | None:
        """Decide and append one entry of the jobs.

        Raises `OSError` where the disk refuses it, and `LedgerUnavailable` where somebody else has written.
        """
        with self._lock:
            if any(True for _located in self._files.read_new()):
                raise LedgerUnavailable("Another process writes to the ledger.")
            draft = decide(self.state)
            return self._write(draft) if isinstance(draft, Draft) else draft

    def _write(self, draft: Draft) -> Committed:
        entry, line = seal(
            draft, seq=self._files.seq + 1, entry_id=self._new_entry_id(), prev=self._files.prev
        )
        committed, sealed = self.state.stage(entry), [Sealed(entry, line)]
        try:
            self._files.write(sealed)
        except BaseException:
            self.state.discard()
            self._files.roll_back()
            raise
        self._files.note_written(sealed)
        self.state.publish()
        self._lock.set_count(self._files.seq)
        return committed

    async def catch_up(self) -> None:
        """Nobody else writes."""

    def close(self) -> None:
        """Note where the ledger ends, and let others have it."""
        with self._lock:
            self._files.note_closed()
        self._release()

    def _release(self) -> None:
        self._files.close()
        self._lock.close()


class _ScannedState(LedgerState):
    """Folds the jobs' entries; of refunds and disputes it keeps the postings, and whose they are."""

    def __init__(self) -> None:
        super().__init__()
        self._merchants: dict[str, str] = {}

    def take_in(self, entry: Entry) -> None:
        """An entry that is on disk."""
        if entry.type in SETTLEMENT_EVENTS:
            self.stage(entry)
            self.publish()
            return
        owner = getattr(entry.data, "terms", None) or entry.data
        merchant_id = getattr(owner, "merchant_id", None)
        if merchant_id is not None:
            self._merchants[entry.entity] = merchant_id
        self.balances.post(entry.postings)
        self.balances_of.setdefault(self._merchants[entry.entity], Balances()).post(entry.postings)


def _in_sequence(directory: Path) -> Iterator[Entry]:
    yield from heapq.merge(*(_entries(directory, book) for book in BOOKS), key=lambda entry: entry.seq)


def _entries(directory: Path, book: Book) -> Iterator[Entry]:
    path = directory / f"{book}.jsonl"
    end, types = path.stat().st_size, _POSTING_TYPES[book]
    if end < splitting.LONG_BYTES:
        found = iter(found_lines(path, 0, end, types, _unwatched))
    else:
        parts = splitting.in_parts(path, end, partial(_found_in_part, types=types))
        found = chain.from_iterable(lines for _size, lines in parts)
    for line, offset in found:
        try:
            entry = unseal(line, DECODERS)
        except BrokenLine as error:
            raise LedgerCorrupt(path, line_number(path, offset), str(error)) from error
        if entry.type in types:  # What was found may stand in somebody's metadata.
            yield entry


def _found_in_part(path: str, start: int, end: int, types: tuple[str, ...]) -> list[tuple[bytes, int]]:
    """Runs in a process of its own."""
    return list(found_lines(Path(path), start, end, types, _unwatched))


def _unwatched(_bytes: int) -> None:
    """Nobody wants to know how far it is."""
