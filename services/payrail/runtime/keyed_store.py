"""A JSON document of keyed records that no request rewrites: a snapshot plus an appended log.

``tokens.json`` is the snapshot, one record per line so that a person can read and grep it;
``tokens.json.log`` holds what changed since. The truth is the snapshot with the log applied. Applying the
log twice gives the same, so a crash between writing a snapshot and shortening the log does no harm.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

import msgspec

from payrail.runtime.append_log import AppendLog, LogFaults, LogUnavailable, TornTail, report_torn_tail
from payrail.runtime.durable_file import ReplaceFaults, replace_file
from payrail.runtime.stored_items import (
    Change,
    Record,
    StoreCorrupt,
    decode_change,
    read_snapshot,
    snapshot_chunks,
)

COMPACT_ABOVE_BYTES = 1 << 20

__all__ = ["KeyedStore", "Record", "StoreCorrupt", "StoreFaults"]

logger = logging.getLogger(__name__)


class StoreFaults:
    """The fault points of one store: those of its log and those of its snapshot."""

    def __init__(self, name: str) -> None:
        self.log = LogFaults(name)
        self.snapshot = ReplaceFaults(f"{name}.snapshot")


class KeyedStore:
    """Records by key in memory, durable by group commit.

    Reads see a change once it is durable. Changes apply in the order of the calls; one call is one line and
    survives a crash whole or not at all. Records that go in or come out are shared, not copied: treat them as
    read-only and put a new one in their place.
    """

    def __init__(
        self,
        path: Path,
        log: AppendLog,
        items: dict[str, Record],
        *,
        mode: int,
        compact_above_bytes: int,
        points: StoreFaults,
    ) -> None:
        self._path = path
        self._log = log
        self._items = items
        self._mode = mode
        self._compact_above_bytes = compact_above_bytes
        self._points = points
        self._applied_to = log.end_offset  # The records are the snapshot plus exactly this much of the log.
        self._compaction: asyncio.Task[None] | None = None
        self._closed = False
        self._compact_at = self._threshold()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        name: str | None = None,
        mode: int = 0o644,
        compact_above_bytes: int = COMPACT_ABOVE_BYTES,
        on_torn: Callable[[TornTail], None] = report_torn_tail,
    ) -> Self:
        """Open or create the document for this process alone, and move what the log holds into the snapshot.

        Raises `LockHeld` naming the process that already writes it, and `StoreCorrupt` naming the place that
        cannot be read. ``name`` prefixes the fault points (default ``store.<file name>``).
        """
        name = name or f"store.{path.name}"
        points = StoreFaults(name)
        log = AppendLog.open(path.with_name(path.name + ".log"), name=name, mode=mode, on_torn=on_torn)
        try:
            items = read_snapshot(path)
            for offset, line in log.lines():
                decode_change(log.path, offset, line).apply_to(items)
            if log.end_offset or not path.exists():
                replace_file(path, snapshot_chunks(items), mode=mode, points=points.snapshot)
                log.clear()
        except BaseException:
            log.close()
            raise
        return cls(path, log, items, mode=mode, compact_above_bytes=compact_above_bytes, points=points)

    @property
    def available(self) -> bool:
        """Whether the store is open and its last write succeeded."""
        return self._log.available

    def get(self, key: str) -> Record | None:
        return self._items.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> Iterator[tuple[str, Record]]:
        """Every record as it is now, in the order the keys were first put; changes made meanwhile do not
        show."""
        return iter(dict(self._items).items())

    async def put(self, key: str, record: Record) -> None:
        """Set one record; returns when it is durable. `LogUnavailable`: nothing changed."""
        await self.apply(put={key: record})

    async def delete(self, key: str) -> None:
        """Remove one record, if it is there; returns when that is durable."""
        await self.apply(delete=[key])

    async def apply(self, *, put: Mapping[str, Record] | None = None, delete: Collection[str] = ()) -> None:
        """Set and remove several records in one step that a crash cannot split."""
        await asyncio.shield(self.submit(put=put, delete=delete))

    def submit(
        self, *, put: Mapping[str, Record] | None = None, delete: Collection[str] = ()
    ) -> "asyncio.Future[int]":
        """Queue a change now; the future completes when it is durable and visible, in order of submission."""
        change = Change(dict(put or {}), list(delete))
        done = self._log.submit([msgspec.json.encode(change)])

        def apply_when_durable(finished: "asyncio.Future[int]") -> None:
            if not finished.cancelled() and finished.exception() is None:
                change.apply_to(self._items)
                self._applied_to = finished.result()
                self._compact_if_due()

        done.add_done_callback(apply_when_durable)
        return done

    async def compact(self) -> None:
        """Move every change visible now into the snapshot and shorten the log; requests go on meanwhile."""
        # One that already runs may have begun before the newest changes: it is waited for, not relied on.
        await self._running_compaction()
        if not self._closed:
            await asyncio.shield(self._start_compaction())

    async def close(self) -> None:
        """Finish what was queued and a running compaction, then release the files."""
        self._closed = True
        await self._running_compaction()
        self._log.close()

    def _threshold(self) -> int:
        return max(self._compact_above_bytes, self._path.stat().st_size)

    def _compact_if_due(self) -> None:
        if self._applied_to > self._compact_at and (self._compaction is None or self._compaction.done()):
            self._start_compaction()

    def _start_compaction(self) -> "asyncio.Task[None]":
        self._compaction = asyncio.create_task(self._compact(), name=f"compact {self._path.name}")
        return self._compaction

    async def _running_compaction(self) -> None:
        while self._compaction is not None and not self._compaction.done():
            await asyncio.wait([self._compaction])

    async def _compact(self) -> None:
        items, applied_to = dict(self._items), self._applied_to
        try:
            await asyncio.to_thread(
                replace_file,
                self._path,
                snapshot_chunks(items),
                mode=self._mode,
                points=self._points.snapshot,
            )
            discarded = self._log.discard_before(applied_to)
            discarded.add_done_callback(lambda done: self._shift_offsets(done, applied_to))
            await asyncio.shield(discarded)
            self._compact_at = self._threshold()
        except (OSError, LogUnavailable) as error:
            # The log still holds everything. Trying at every change would only make a full disk busier.
            logger.warning("%s could not be compacted: %s", self._path.name, error)
            self._compact_at = self._applied_to * 2

    def _shift_offsets(self, discarded: "asyncio.Future[int]", by: int) -> None:
        if not discarded.cancelled() and discarded.exception() is None:
            self._applied_to -= by
