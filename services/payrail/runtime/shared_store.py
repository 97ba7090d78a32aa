"""A JSON document of keyed records that several processes change, now and then: a snapshot plus a shared log.

Whoever opens it while nobody else has it open moves what the log holds into the snapshot.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from payrail.runtime.durable_file import replace_file
from payrail.runtime.shared_log import SharedLog
from payrail.runtime.stored_items import Change, Record, decode_change, read_snapshot, snapshot_chunks

#: Tells from the records as they are what is to change, or none. It runs in a thread, with no other writer beside it.
Decide = Callable[[], Change | None]


class SharedStore:
    """Records by key, opened once by each process, each change durable when its call returns.

    Every process sees what any of them wrote by its next look. Records that come out are shared: treat them as
    read-only. Raises `StoreCorrupt` on opening where a complete part of the document is not what this module writes.
    """

    def __init__(self, path: Path, *, name: str, mode: int = 0o644) -> None:
        """Open or create the document. `name` prefixes the fault points."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._log_path = path.with_name(path.name + ".log")
        self._users = os.open(
            path.with_name(path.name + ".users"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
        self._compact_if_alone(path, mode)
        fcntl.flock(self._users, fcntl.LOCK_SH)
        self._items = read_snapshot(path)
        self._log = SharedLog(self._log_path, self._fold, name=name, mode=mode)

    def get(self, key: str) -> Record | None:
        """The record as of the last durable change of any process."""
        self._log.refresh()
        return self._items.get(key)

    def items(self) -> Iterator[tuple[str, Record]]:
        """Every record as it is now, in the order the keys were first put."""
        self._log.refresh()
        return iter(dict(self._items).items())

    async def change(self, decide: Decide) -> None:
        """Make the change that `decide` says. Raises what it raises, and `LogUnavailable`: then nothing changed."""

        def line() -> bytes | None:
            change = decide()
            return None if change is None else msgspec.json.encode(change)

        await self._log.append(line)

    async def put(self, key: str, record: Record) -> None:
        """Set one record."""
        await self.change(lambda: Change({key: record}))

    def close(self) -> None:
        """Release the files."""
        self._log.close()
        os.close(self._users)

    def _fold(self, offset: int, line: bytes) -> None:
        decode_change(self._log_path, offset, line).apply_to(self._items)

    def _compact_if_alone(self, path: Path, mode: int) -> None:
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        items = read_snapshot(path)

        def fold(offset: int, line: bytes) -> None:
            decode_change(self._log_path, offset, line).apply_to(items)

        log = SharedLog(self._log_path, fold, name="compaction", mode=mode)
        if log.end_offset or not path.exists():
            replace_file(path, snapshot_chunks(items), mode=mode)
            log.clear()
        log.close()
