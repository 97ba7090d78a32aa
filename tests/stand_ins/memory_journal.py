"""A journal in memory: the same port, the same folds, nothing on disk."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

from payrail.ledger.entry import GENESIS, Book, Draft, Entry, seal
from payrail.ledger.state import Committed, LedgerState
from payrail.runtime.journal import Decide, Follower

T = TypeVar("T")


class MemoryJournal:
    """`Journal` for one process. Every append lets other tasks run before and after it, as a disk would."""

    sound = True

    def __init__(self) -> None:
        self.state = LedgerState()
        self.entries: list[Entry] = []
        self.lines: list[bytes] = []
        self.followers: list[Follower] = []

    @property
    def seq(self) -> int:
        """The sequence number of the newest entry."""
        return len(self.entries)

    async def append(self, book: Book, decide: Decide[T]) -> Committed | T:
        """Decide and append one command."""
        await asyncio.sleep(0)
        verdict = self.append_now(book, decide)
        await asyncio.sleep(0)
        return verdict

    def append_now(self, _book: Book, decide: Decide[T]) -> Committed | T:
        """The same at once, for tests without an event loop."""
        verdict = decide(self.state)
        if not isinstance(verdict, Draft):
            return verdict
        prev = self.entries[-1].hash if self.entries else GENESIS
        seq = len(self.entries) + 1
        entry, line = seal(verdict, seq=seq, entry_id=f"le_01JD{seq:A>22}", prev=prev)
        committed = self.state.stage(entry)
        self.state.publish()
        self.entries.append(entry)
        self.lines.append(line)
        for follower in self.followers:
            follower.show([committed])
        return committed

    async def catch_up(self) -> None:
        """Nobody else writes here."""

    def read(self, entity: str, up_to_seq: int | None = None) -> list[Entry]:
        """The entity's entries in order."""
        return [
            entry
            for entry in self.entries
            if entry.entity == entity and (up_to_seq is None or entry.seq <= up_to_seq)
        ]

    def entry(self, seq: int) -> Entry:
        """The entry with this sequence number."""
        return self.entries[seq - 1]

    def tail(self, after_seq: int) -> Iterator[Entry]:
        """The entries after `after_seq`."""
        yield from self.entries[after_seq:]

    def follow(
        self, after_seq: int, wanted: Callable[[Entry], bool], on_news: Callable[[], None]
    ) -> Follower:
        """Follow what is appended after `after_seq`."""
        follower = Follower(
            self,
            after_seq=after_seq,
            shown_seq=len(self.entries),
            wanted=wanted,
            on_news=on_news,
            on_close=self.followers.remove,
        )
        self.followers.append(follower)
        return follower
