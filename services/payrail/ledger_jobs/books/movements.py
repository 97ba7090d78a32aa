"""The `movements` frame: every entry by which a provider comes to owe money, or less of it, read off the books.

The books are scanned, not folded: a day may have millions of lines. A long book is scanned by processes of their own,
so that a service that runs in this one goes on answering.
"""

import os
from collections.abc import Callable, Collection, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from payrail.ledger.entry import BOOKS, Book
from payrail.ledger_jobs.books import splitting
from payrail.ledger_jobs.books.lines import (
    Line,
    Row,
    capture_rows,
    frame_of,
    lines_of_types,
    row_of,
)
from payrail.runtime.journal.last_line import last_complete_line
from payrail.runtime.journal.ledger_snapshot import LedgerSnapshot, take_snapshot

if TYPE_CHECKING:
    import polars as pl

#: Called with bytes of the books that were dealt with; they add up to the books' sizes.
Progress = Callable[[int], None]

_RETURNS: tuple[Book, ...] = ("refunds", "disputes")
_IDENTIFYING: dict[Book, tuple[str, ...]] = {
    "refunds": ("refund.requested",),
    "disputes": ("dispute.opening_started", "dispute.opened"),
}
_MOVING: dict[Book, tuple[str, ...]] = {
    "refunds": ("refund.succeeded", "refund.failed"),
    "disputes": ("dispute.opened", "dispute.won"),
}


class Movements(Struct, frozen=True):
    """`frame` has one row for each movement, in the order of the ledger; `through_seq` is the newest entry that was
    there to be looked at."""

    frame: "pl.DataFrame"
    through_seq: int


def bytes_to_scan(directory: Path) -> int:
    """What `advance` will add up to."""
    paths = (directory / f"{book}.jsonl" for book in BOOKS)
    return sum(path.stat().st_size for path in paths if path.exists())


def read_movements(
    directory: Path, dates: Collection[str] | None = None, *, advance: Progress = lambda _bytes: None
) -> Movements:
    """The movements in the books of `directory`, of these UTC days (`YYYY-MM-DD`) if any are given.

    May run beside a running stack: it looks at the books as they were at one moment when nobody was writing. The hash
    of each line that counts is proved. Raises `LedgerCorrupt`, and `LedgerBusy` when a writer does not let go.
    """
    import polars as pl

    snapshot = take_snapshot(directory)
    returned = [
        row
        for book in _RETURNS
        for row in _returned(snapshot, book, advance)
        if dates is None or row[2] in dates
    ]
    captured = _captures(snapshot, dates, advance)
    frame = pl.concat([captured, frame_of(iter(returned))]).sort("seq")
    return Movements(frame, _newest_seq(snapshot))


def _returned(snapshot: LedgerSnapshot, book: Book, advance: Progress) -> Iterator[Row]:
    """The movements of the refunds or disputes; whose they are stands in the entry that each began with."""
    path, end = _path(snapshot, book), snapshot.sizes[book]
    if not end:
        return
    origins: dict[str, tuple[str, str]] = {}
    types = tuple(dict.fromkeys(_IDENTIFYING[book] + _MOVING[book]))
    for line in lines_of_types(path, 0, end, types, advance):
        if line.type in _IDENTIFYING[book]:
            _note_origin(origins, line)
        if line.type in _MOVING[book]:
            payment_id, merchant_id = origins[line.entity]
            row = row_of(line, payment_id, merchant_id)
            if row is not None:
                yield row


def _note_origin(origins: dict[str, tuple[str, str]], line: Line) -> None:
    terms = line.data.terms
    if terms is not None:
        origins[line.entity] = (terms.payment_id, terms.merchant_id)
    elif line.data.payment_id is not None:
        origins[line.entity] = (line.data.payment_id, line.data.merchant_id or "")


def _captures(snapshot: LedgerSnapshot, dates: Collection[str] | None, advance: Progress) -> "pl.DataFrame":
    path, end = _path(snapshot, "payments"), snapshot.sizes["payments"]
    if end < splitting.LONG_BYTES:
        return frame_of(capture_rows(path, 0, end, dates, advance) if end else iter(()))
    import polars as pl

    frames = []
    for size, packed in splitting.in_parts(path, end, partial(_captures_of_part, dates=dates)):
        frames.append(pl.read_ipc_stream(packed))
        advance(size)
    return pl.concat(frames)


def _captures_of_part(path: str, start: int, end: int, dates: Collection[str] | None) -> bytes:
    """Runs in a process of its own. The frame travels as an Arrow stream."""
    packed = BytesIO()
    rows = capture_rows(Path(path), start, end, dates, lambda _bytes: None)
    frame_of(rows).write_ipc_stream(packed)
    return packed.getvalue()


class _Numbered(Struct, gc=False):
    seq: int


def _newest_seq(snapshot: LedgerSnapshot) -> int:
    return max(_last_seq(_path(snapshot, book), snapshot.sizes[book]) for book in BOOKS)


def _last_seq(path: Path, end: int) -> int:
    if not end:
        return 0
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        line, _after = last_complete_line(fd, end)
    finally:
        os.close(fd)
    return msgspec.json.decode(line, type=_Numbered).seq if line else 0


def _path(snapshot: LedgerSnapshot, book: Book) -> Path:
    return snapshot.directory / f"{book}.jsonl"
