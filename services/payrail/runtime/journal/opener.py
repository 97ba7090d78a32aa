"""Several services of one process share one journal: the first that needs it opens it, the last one closes it."""

import asyncio
import random
import secrets
from pathlib import Path

from payrail.runtime.clock import Clock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal.file_journal import FileJournal


class JournalOpener:
    """The ledger of a data directory, read once and kept in memory once however many services stand on it."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._directory = data_dir / "ledger"
        # Ids are names, not secrets.
        self._ids = IdSource(clock, random.Random(secrets.randbits(256)))  # noqa: S311
        self._opening = asyncio.Lock()
        self._users = 0
        self._journal: FileJournal | None = None

    async def open(self) -> FileJournal:
        """The journal, to be given back by `close`. Raises `LedgerCorrupt` and then leaves the files as they are."""
        async with self._opening:
            if self._journal is None:
                self._journal = await FileJournal.open(self._directory, lambda: self._ids.new("le"))
            self._users += 1
            return self._journal

    async def close(self) -> None:
        """One of those that opened it needs it no more."""
        async with self._opening:
            self._users -= 1
            if not self._users and self._journal is not None:
                journal, self._journal = self._journal, None
                await journal.close()
