"""The journal on files: decide under the lock, then one write and one sync for everything that waited."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from msgspec import Struct

from payrail.ledger.entry import BOOKS, Book, Draft, Entry, seal
from payrail.ledger.state import Committed, LedgerState
from payrail.runtime.journal.follower import Follower
from payrail.runtime.journal.ledger_files import LedgerCorrupt, LedgerFiles, Located, Sealed
from payrail.runtime.journal.port import Decide, LedgerUnavailable
from payrail.runtime.shared_lock import SharedLock

T = TypeVar("T")

_BATCH_MAX = 256
_BACKLOG_ENTRIES = 256  # What is folded in less time than a write takes is no backlog.
_LOOK_EVERY_S = 0.05

logger = logging.getLogger(__name__)


class _Waiting(Struct):
    """A command in the queue, and its verdict once it was decided: handed over when the batch is durable."""

    book: Book
    decide: Decide[Any]
    done: "asyncio.Future[Any]"
    verdict: Any = None
    refusal: Exception | None = None


class FileJournal:
    """`Journal` over the three books of `data/ledger`. Several processes may each have one on the same directory.

    Commands are decided and written in a thread of the ledger's own; the event loop reads states, which are immutable.
    """

    def __init__(self, directory: Path, new_entry_id: Callable[[], str]) -> None:
        """Open the books. Nothing is read until `open`."""
        self.state = LedgerState()
        self._new_entry_id = new_entry_id
        self._files = LedgerFiles(directory)
        self._lock = SharedLock(directory / ".lock")
        self._queue: deque[_Waiting] = deque()
        self._looks: deque[_Waiting] = deque()  # They want to see what others appended, and append nothing.
        self._wakes: SimpleQueue[bool] = SimpleQueue()  # False ends the thread.
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._commit_batches, name="ledger", daemon=True)
        self._idle = asyncio.Event()
        self._idle.set()
        self._corrupt: LedgerCorrupt | None = None
        self._closing = False
        self._refused = False
        self._seen = -1  # The newest entry that `state` shows.
        self._shown_seq = 0  # The newest entry that followers were shown, or could have been.
        self._followers: list[Follower] = []
        self._watching: asyncio.Task[None] | None = None
        self._decided: list[Committed] = []  # Of the batch that is being written.
        self._fresh: list[Committed] = []  # Published in the ledger's thread, to be shown to followers.

    @classmethod
    async def open(cls, directory: Path, new_entry_id: Callable[[], str]) -> "FileJournal":
        """Read and prove the whole ledger. Raises `LedgerCorrupt` and then leaves the files as they are."""
        journal = cls(directory, new_entry_id)
        try:
            await asyncio.to_thread(journal._replay)
        except BaseException:
            journal._release()
            raise
        journal._shown_seq = journal.seq
        journal._thread.start()
        return journal

    async def append(self, book: Book, decide: Decide[T]) -> Committed | T:
        """Decide and append one command; see `Journal.append`."""
        return await self._enqueued(self._queue, book, decide)  # type: ignore[no-any-return]

    async def catch_up(self) -> None:
        """Make `state` current; costs one look at shared memory when no other process wrote, and never the lock: its
        count is the sequence number of the newest entry that is durable."""
        if self._lock.count != self._seen:
            await self._enqueued(self._looks, "payments", _nothing)

    def read(self, entity: str, up_to_seq: int | None = None) -> list[Entry]:
        """The entity's entries, read from the files."""
        return self._files.read(entity, up_to_seq)

    def entry(self, seq: int) -> Entry:
        """The entry with this sequence number, read from its file."""
        return self._files.entry_at(seq)

    def tail(self, after_seq: int) -> Iterator[Entry]:
        """The entries after `after_seq`, read from the files."""
        for seq in range(after_seq + 1, self._files.seq + 1):
            yield self._files.entry_at(seq)

    def follow(
        self, after_seq: int, wanted: Callable[[Entry], bool], on_news: Callable[[], None]
    ) -> Follower:
        """Follow what is appended after `after_seq`; see `Journal.follow`."""
        follower = Follower(
            self,
            after_seq=after_seq,
            shown_seq=self._shown_seq,
            wanted=wanted,
            on_news=on_news,
            on_close=self._followers.remove,
        )
        self._followers.append(follower)
        if self._watching is None:
            self._watching = self._loop.create_task(self._watch(), name="ledger watch")
        return follower

    @property
    def sound(self) -> bool:
        """Whether the ledger is whole and the last write went well."""
        return self._corrupt is None and not self._refused

    @property
    def seq(self) -> int:
        """The sequence number of the newest entry that `state` shows."""
        return self._files.seq

    async def close(self) -> None:
        """Append what waits, then release the files."""
        if self._closing:
            return
        self._closing = True
        if self._watching is not None:
            self._watching.cancel()
        await self._idle.wait()
        await asyncio.to_thread(self._note_closed)
        self._release()

    # ---- the commit loop ------------------------------------------------------------------------------------------

    def _enqueued(self, queue: deque[_Waiting], book: Book, decide: Decide[Any]) -> "asyncio.Future[Any]":
        if self._closing:
            raise LedgerUnavailable("The ledger is closed.")
        waiting = _Waiting(book, decide, self._loop.create_future())
        queue.append(waiting)
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._wake)
        return waiting.done

    def _replay(self) -> None:
        with self._lock:
            self._files.require_closed_end()
        self._fold_counted()
        self._lock.acquire()
        try:
            self._fold_new()
            self._files.note_opened()
        finally:
            self._lock.release()

    def _note_closed(self) -> None:
        self._lock.acquire()
        try:
            self._require_sound()
            self._fold_new()
            self._files.note_closed()
        except (LedgerCorrupt, OSError) as error:
            logger.warning("the ledger's end cannot be noted: %s", error)
        finally:
            self._lock.release()

    def _fold_counted(self) -> bool:
        """Fold what is counted, which is durable and stays, without the lock: others go on meanwhile, however much it
        is. False if the books do not have it all: the holder of the lock will say what is wrong."""
        while self._lock.count - self._files.seq > _BACKLOG_ENTRIES:
            if not self._fold_durable(self._files.read_new(through_seq=self._lock.count)):
                return False
        counted = self._lock.count
        if counted > self._files.seq:
            self._fold_durable(self._files.read_new(through_seq=counted))
        self._seen = self._files.seq
        return self._files.seq >= counted

    def _fold_new(self) -> None:
        """Fold what other processes appended. For the holder of the lock, who counts what a writer that died did not:
        all are to see an entry, or none."""
        self._fold_durable(self._files.read_new())
        self._seen = self._files.seq
        if self._lock.count != self._seen:
            self._lock.set_count(self._seen)

    def _fold_durable(self, appended: Iterator[Located]) -> int:
        """Fold these entries; how many there were. A fold that refuses an entry is a corrupt ledger, too."""
        before = self._files.seq
        try:
            self._fold_all(appended)
        except LedgerCorrupt as error:
            self._corrupt = error
            raise
        return self._files.seq - before

    def _fold_all(self, appended: Iterator[Located]) -> None:
        """Fold these entries, which are durable, and show them to readers many at once."""
        staged = 0
        try:
            for located in appended:
                try:
                    committed = self.state.stage(located.entry)
                except ValueError as error:
                    raise LedgerCorrupt(located.path, located.line, str(error)) from error
                if self._followers:
                    self._fresh.append(committed)
                staged += 1
                if staged % _BATCH_MAX == 0:
                    self.state.publish()
        finally:
            self.state.publish()

    def _wake(self) -> None:
        """Wake the ledger's thread. The event loop comes here once it has run what was ready, so that all commands of
        one of its turns make one batch."""
        self._wakes.put(True)

    def _take_back(self, batch: list[_Waiting]) -> None:
        """A batch is done: tell those who wait, let them go on, and have the next one made."""
        _answer(batch)
        self._show_followers()
        if self._queue or self._looks:
            self._loop.call_soon(self._wake)
        else:
            self._idle.set()

    def _commit_batches(self) -> None:
        """The ledger's thread."""
        while self._wakes.get():
            batch = self._commit()
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits there any more.
                self._loop.call_soon_threadsafe(self._take_back, batch)

    def _take_batch(self) -> list[_Waiting]:
        """What waits now, in the order of the books."""
        return sorted(_take(self._queue), key=lambda waiting: BOOKS.index(waiting.book))

    async def _watch(self) -> None:
        """Show followers what other processes append: nobody else here may ask for it. To look costs no system call.

        A ledger in trouble is left to those who append: each try would be one more line in the log.
        """
        while not self._closing:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._followers and self.sound:
                with contextlib.suppress(LedgerUnavailable):
                    await self.catch_up()

    def _show_followers(self) -> None:
        """In the event loop, between two batches: nothing is published meanwhile."""
        fresh, self._fresh = self._fresh, []
        self._shown_seq = self._files.seq
        if fresh:
            for follower in self._followers:
                follower.show(fresh)

    def _commit(self) -> list[_Waiting]:
        """Runs in the ledger's thread from lock to unlock: a busy event loop would keep the lock from others.

        The batch is taken under the lock: what comes while another process has it is not left for the next time.
        """
        batch: list[_Waiting] = []
        try:
            self._require_sound()
            batch = _take(self._looks)
            if not self._fold_counted() or self._queue:
                self._lock.acquire()
                try:
                    self._fold_new()
                    batch += self._take_batch()
                    self._write(self._decide(batch))
                finally:
                    self._lock.release()
                self._show()
                self._refused = False
        except Exception:  # whatever broke, nobody may wait for ever
            logger.exception("the ledger cannot be written")
            self._refused = True
            batch = batch or [*_take(self._looks), *self._take_batch()]
            for waiting in batch:
                waiting.refusal = LedgerUnavailable("The ledger cannot be written now.")
        return batch

    def _write(self, sealed: list[Sealed]) -> None:
        """Write the batch, and tell the other processes that there is something new."""
        if not sealed:
            return
        try:
            self._files.write(sealed)
            self._files.note_written(sealed)
        except BaseException:
            self.state.discard()
            self._files.roll_back()
            raise
        self._lock.set_count(self._files.seq)

    def _show(self) -> None:
        """Show readers what was decided. It is durable, and nobody has been told: other processes need not wait for
        this. Only then is it seen, or a reader would not wait for what a sibling may have told already."""
        self.state.publish()
        self._seen = self._files.seq
        if self._followers:
            self._fresh += self._decided

    def _decide(self, batch: list[_Waiting]) -> list[Sealed]:
        """Decide the batch in the order of the books; later commands see what earlier ones decided."""
        sealed: list[Sealed] = []
        self._decided = []
        seq, prev = self._files.seq, self._files.prev
        for waiting in batch:
            try:
                verdict = waiting.decide(self.state)
                if isinstance(verdict, Draft):
                    seq_next = seq + 1
                    entry, line = seal(verdict, seq=seq_next, entry_id=self._new_entry_id(), prev=prev)
                    verdict = self.state.stage(entry)
                    self._decided.append(verdict)
                    sealed.append(Sealed(entry, line))
                    seq, prev = seq_next, entry.hash
            except Exception as refusal:  # noqa: BLE001 - a refusal is the caller's, whatever it is
                waiting.refusal = refusal
            else:
                waiting.verdict = verdict
        return sealed

    def _require_sound(self) -> None:
        if self._corrupt is not None:
            raise self._corrupt

    def _release(self) -> None:
        self._wakes.put(False)
        if self._thread.is_alive():
            self._thread.join()
        self._files.close()
        self._lock.close()


def _take(queue: deque[_Waiting]) -> list[_Waiting]:
    """Those who have waited longest, as many as make a batch."""
    return [queue.popleft() for _ in range(min(len(queue), _BATCH_MAX))]


def _nothing(_state: LedgerState) -> None:
    """Decide to append nothing."""


def _answer(batch: list[_Waiting]) -> None:
    """Hand over the verdicts: only now, since a refusal too may rest on an entry of the same batch."""
    for waiting in batch:
        if waiting.done.done():
            continue
        if waiting.refusal is not None:
            waiting.done.set_exception(waiting.refusal)
        else:
            waiting.done.set_result(waiting.verdict)
