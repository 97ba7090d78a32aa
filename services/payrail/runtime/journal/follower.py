"""Following a journal: every entry that is wanted, in order, with its things as they were right after it.

What is appended while somebody follows is handed over as it was committed, which costs the append next to nothing.
What happened before, or longer ago than a follower keeps, is folded again from the files.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from payrail.ledger.entry import Entry
from payrail.ledger.state import Committed
from payrail.runtime.journal.refold import Readable, committed_at

_KEPT_MAX = 4096
_READ_PER_TURN = 256


class Followed(Readable, Protocol):
    """The part of a journal that a follower needs."""

    def entry(self, seq: int) -> Entry: ...


class Follower:
    """Goes through a journal from one entry on. Belongs to the journal's event loop; `Journal.follow` makes it.

    `seq` is the entry up to which everything that is wanted was taken.
    """

    def __init__(
        self,
        journal: Followed,
        *,
        after_seq: int,
        shown_seq: int,
        wanted: Callable[[Entry], bool],
        on_news: Callable[[], None],
        on_close: Callable[["Follower"], None],
    ) -> None:
        self.seq = after_seq
        self._journal = journal
        self._wanted = wanted
        self._on_news = on_news
        self._on_close = on_close
        # What is kept are the wanted ones of the entries after `_kept_after` up to `_kept_to`.
        self._kept: list[Committed] = []
        self._kept_after = self._kept_to = shown_seq

    @property
    def behind(self) -> int:
        """How many entries there are, wanted or not, that were not looked at yet."""
        return self._kept_to - self.seq

    def show(self, batch: Sequence[Committed]) -> None:
        """Entries are durable and in the journal's state. Called by the journal, in the order of the ledger."""
        first, last = batch[0].entry.seq, batch[-1].entry.seq
        if first != self._kept_to + 1 or len(self._kept) > _KEPT_MAX:
            self._kept.clear()
            self._kept_after = first - 1
        self._kept += [committed for committed in batch if self._wanted(committed.entry)]
        self._kept_to = last
        self._on_news()

    async def take(self) -> list[Committed]:
        """The next ones that are wanted, some at a time; none when all were taken."""
        while self.seq < self._kept_after:
            through = min(self.seq + _READ_PER_TURN, self._kept_after)
            found = await asyncio.to_thread(self._fold_again, self.seq, through)
            self.seq = through
            if found:
                return found
        taken, self._kept = self._kept, []
        known, self.seq, self._kept_after = self.seq, self._kept_to, self._kept_to
        return [committed for committed in taken if committed.entry.seq > known]

    def go_back(self, after_seq: int) -> None:
        """Whoever took them could not use those after this entry: they come again."""
        self.seq = min(self.seq, after_seq)

    def close(self) -> None:
        """Follow no more."""
        self._on_close(self)

    def _fold_again(self, after_seq: int, through_seq: int) -> list[Committed]:
        entries = map(self._journal.entry, range(after_seq + 1, through_seq + 1))
        return [
            committed_at(self._journal, entry.entity, entry.seq) for entry in entries if self._wanted(entry)
        ]
