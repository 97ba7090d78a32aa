"""`data/outbox/events.jsonl`: every event of the ledger, once, in the ledger's order. Only the dispatcher writes it.

The file follows from the ledger, byte for byte, so that what a crash takes from its end is written again.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger.events import Event, seq_of
from payrail.runtime.append_log import AppendLog
from payrail.runtime.durable_file import replace_file, sync_data
from payrail.runtime.log_lines import read_complete_lines

EVENTS_FILE = "events.jsonl"
EVENTS_END_FILE = "closed.json"
_CHUNK_BYTES = 1 << 18
_ID_AT = slice(len('{"id":"'), len('{"id":"evt_') + 26)


class Queued(Struct, frozen=True):
    """An event as it is sent: `body` is its line, which is the same however often it goes out."""

    seq: int
    id: str
    type: str
    merchant_id: str
    correlation_id: str
    body: bytes


class EventsEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the events ended when their file was last closed in order: the entry of the newest one, 0 without any.

    It is there only while nobody has the file open, and not after a crash, which may take events from the end.
    """

    seq: int


class _Head(Struct, frozen=True):
    id: str
    type: str
    merchant_id: str
    correlation_id: str


_decode_head = msgspec.json.Decoder(_Head).decode


def line_of(event: Event) -> bytes:
    """The event's line, without its newline."""
    return msgspec.json.encode(event)


class EventsFile:
    """The events that were derived, in order. `last_seq` is where the newest one stands in the ledger."""

    def __init__(self, directory: Path) -> None:
        """Open or make the file. A torn last line goes to quarantine, and is derived again."""
        path = directory / EVENTS_FILE
        self._log = AppendLog.open(path, name="outbox.events")
        self._end_path = directory / EVENTS_END_FILE
        self._end_path.unlink(missing_ok=True)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.last_seq = self._seq_at(self._last_line()) if self.end_offset else 0

    @property
    def end_offset(self) -> int:
        """Where the next line will begin."""
        return self._log.end_offset

    async def append(self, events: Sequence[Event]) -> None:
        """Write what follows. It is not synced: whatever a power cut takes follows from the ledger again."""
        await self._log.append_many([line_of(event) for event in events], durable=False)
        self.last_seq = seq_of(events[-1].id)

    def read(self, offset: int, merchant_id: str) -> tuple[list[Queued], int]:
        """Some of the merchant's events from a line on, and where to go on reading."""
        mark = b'"merchant_id":"%s"' % merchant_id.encode()
        chunk, end = _CHUNK_BYTES, self.end_offset
        while offset < end:
            lines, after = read_complete_lines(self._fd, offset, min(offset + chunk, end))
            if after == offset:
                chunk *= 2  # One line is longer than the chunk.
                continue
            offset = after
            queued = [_queued(line) for line in lines if mark in line]
            if found := [one for one in queued if one.merchant_id == merchant_id]:
                return found, offset
        return [], offset

    def find(self, event_id: str) -> Queued | None:
        """The event with this id."""
        try:
            seq = seq_of(event_id)
        except ValueError:
            return None
        offset = self.offset_after(seq - 1)
        if offset >= self.end_offset:
            return None
        queued = _queued(os.pread(self._fd, self._line_end(offset) - offset - 1, offset))
        return queued if queued.id == event_id else None

    def offset_after(self, seq: int) -> int:
        """Where the first event after `seq` begins: all lines before it are of `seq` or earlier."""
        low, high = 0, self.end_offset
        while low < high:
            middle = (low + high) // 2
            start = self._line_end(middle - 1) if middle else 0
            if start >= high or self._seq_at(start) > seq:
                high = middle
            else:
                low = self._line_end(start)
        return low

    def close(self) -> None:
        """Release the file, and leave a note of where it ends, so that a lost line is noticed."""
        self._log.close()
        with contextlib.suppress(OSError):  # On a disk that is full there is no note, as after a crash.
            sync_data(self._fd)
            replace_file(self._end_path, [msgspec.json.encode(EventsEnd(self.last_seq)), b"\n"])
        os.close(self._fd)

    def _last_line(self) -> int:
        start, back = self.end_offset - 1, _CHUNK_BYTES
        while start > 0:
            before = max(0, start - back)
            newline = os.pread(self._fd, start - before, before).rfind(b"\n")
            if newline >= 0:
                return before + newline + 1
            start = before
        return 0

    def _line_end(self, offset: int) -> int:
        """The offset after the newline that comes next, from `offset` on."""
        while chunk := os.pread(self._fd, _CHUNK_BYTES, offset):
            newline = chunk.find(b"\n")
            if newline >= 0:
                return offset + newline + 1
            offset += len(chunk)
        return offset

    def _seq_at(self, offset: int) -> int:
        return seq_of(os.pread(self._fd, _ID_AT.stop, offset)[_ID_AT].decode("ascii"))


def _queued(line: bytes) -> Queued:
    head = _decode_head(line)
    return Queued(seq_of(head.id), head.id, head.type, head.merchant_id, head.correlation_id, line)
