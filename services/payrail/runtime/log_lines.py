"""Whole lines and torn ones: what any file of JSON lines needs before it is read or appended to after a
crash."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from payrail.runtime.durable_file import sync_directory, write_and_sync

READ_CHUNK_BYTES = 1 << 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TornTail:
    """A last line that a crash cut short: where it began, what was left of it, and where it lies now."""

    path: Path
    offset: int
    data: bytes
    quarantine: Path


def read_complete_lines(fd: int, from_offset: int, to_offset: int | None = None) -> tuple[list[bytes], int]:
    """The lines, without newline, that lie whole in ``[from_offset, to_offset)``, and the offset after the
    last one.

    ``from_offset`` must be the start of a line. Without ``to_offset`` it reads to the end of the file; what
    follows the last newline is left for the next call.
    """
    end = os.fstat(fd).st_size if to_offset is None else to_offset
    parts: list[bytes] = []
    offset = from_offset
    while offset < end and (part := os.pread(fd, end - offset, offset)):
        parts.append(part)
        offset += len(part)
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    length = data.rfind(b"\n") + 1
    if length == 0:
        return [], from_offset
    return data[: length - 1].split(b"\n"), from_offset + length


def quarantine_torn_tail(path: Path, fd: int | None = None) -> TornTail | None:
    """Move what follows the last newline to ``<file>.quarantine`` and cut it off the file; None if nothing
    does.

    Both files are synced, the quarantine first: a crash in between may quarantine the same bytes twice,
    never lose them. ``fd`` is an open descriptor of the file, for a caller that has one.
    """
    own = os.open(path, os.O_RDWR | os.O_CLOEXEC) if fd is None else fd
    try:
        size = os.fstat(own).st_size
        offset = _end_of_last_line(own, size)
        if offset == size:
            return None
        data = os.pread(own, size - offset, offset)
        quarantine = append_to_quarantine(path, data + b"\n")
        os.ftruncate(own, offset)
        os.fsync(own)
        return TornTail(path, offset, data, quarantine)
    finally:
        if fd is None:
            os.close(own)


def append_to_quarantine(path: Path, lines: bytes) -> Path:
    """Keep what must leave ``path`` in ``<file>.quarantine``, durably; returns where that is."""
    quarantine = path.with_name(path.name + ".quarantine")
    fd = os.open(quarantine, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        write_and_sync(fd, lines)
    finally:
        os.close(fd)
    sync_directory(quarantine.parent)
    return quarantine


def _end_of_last_line(fd: int, size: int) -> int:
    start = size
    while start > 0:
        begin = max(0, start - READ_CHUNK_BYTES)
        newline = os.pread(fd, start - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        start = begin
    return 0


def report_torn_tail(torn: TornTail) -> None:
    """The default report: one warning that says where the bytes went, and none of the bytes."""
    logger.warning(
        "%s ended in a torn line: %d bytes from offset %d moved to %s",
        torn.path,
        len(torn.data),
        torn.offset,
        torn.quarantine,
    )
