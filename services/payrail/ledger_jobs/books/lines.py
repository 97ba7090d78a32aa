"""Finding movements in the lines of a book: by their bytes first, decoded and proved only where they may count.

A day may have millions of lines. Most of them are told apart by looking for `"type":"…"` in the bytes; a line that is
found is decoded, and its hash is proved.
"""

import os
from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from payrail.ledger.accounts import merchant_available, merchant_pending
from payrail.ledger.movement import OPERATIONS, receivable_change
from payrail.ledger.postings import Posting
from payrail.runtime.journal.last_line import lines_before
from payrail.runtime.journal.ledger_files import LedgerCorrupt

if TYPE_CHECKING:
    import polars as pl

_CHUNK_BYTES = 16 << 20
_BATCH_ROWS = 50_000
_TAIL_BYTES = len(b',"hash":"') + 64 + len(b'"}')
_OWNED = (merchant_pending(""), merchant_available(""))

#: The columns of the `movements` frame, in order. `gross` is money to the merchant; all amounts are minor units.
COLUMNS = (
    "seq", "at", "date", "operation", "payment_id", "entity", "reference", "merchant_id", "provider", "currency",
    "gross", "merchant_fee", "provider_fee",
)  # fmt: skip
INTEGERS = frozenset({"seq", "gross", "merchant_fee", "provider_fee"})
Row = tuple[int, str, str, str, str, str, str, str, str, str, int, int, int]


class _Terms(Struct, gc=False):
    merchant_id: str
    payment_id: str
    reference: str = ""


class _Data(Struct, gc=False):
    """What the data of any movement, or of the entry that its refund or dispute begins with, may say."""

    attempt_id: str | None = None
    merchant_fee: int = 0
    provider_fee: int = 0
    merchant_id: str | None = None
    payment_id: str | None = None
    terms: _Terms | None = None


class Line(Struct, gc=False):
    """The members of a line that count here."""

    seq: int
    entity: str
    type: str
    at: str
    data: _Data
    postings: tuple[Posting, ...]


_decode = msgspec.json.Decoder(Line).decode


def lines_of_types(
    path: Path, start: int, end: int, types: tuple[str, ...], advance: Callable[[int], None]
) -> Iterator[Line]:
    """The lines of these types that `found_lines` finds, decoded.

    Raises `LedgerCorrupt` where a line's hash does not cover it.
    """
    for line, offset in found_lines(path, start, end, types, advance):
        proved = _proved(line, path, offset)
        if proved.type in types:  # What was found may stand in somebody's metadata.
            yield proved


def found_lines(
    path: Path, start: int, end: int, types: tuple[str, ...], advance: Callable[[int], None]
) -> Iterator[tuple[bytes, int]]:
    """The complete lines in `start..end` of a book that hold the name of one of these types, and their offsets.

    `start` is the beginning of a line. Neither type nor hash is proved.
    """
    return _found(path, start, end, [b'"type":"%b"' % name.encode() for name in types], advance)


def lines_with(path: Path, end: int, needle: bytes, advance: Callable[[int], None]) -> Iterator[Line]:
    """The complete lines before `end` that hold the bytes, decoded. Raises `LedgerCorrupt` as `lines_of_types`."""
    if end:
        for line, offset in _found(path, 0, end, [needle], advance):
            yield _proved(line, path, offset)


def _found(
    path: Path, start: int, end: int, needles: list[bytes], advance: Callable[[int], None]
) -> Iterator[tuple[bytes, int]]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        offset, size = start, _CHUNK_BYTES
        while offset < end:
            chunk = os.pread(fd, min(size, end - offset), offset)
            whole = chunk.rfind(b"\n") + 1
            if not whole:
                if offset + len(chunk) >= end:
                    return
                size *= 2  # One line is longer than the chunk.
                continue
            for at in _hits(chunk, whole, needles):
                yield chunk[at : chunk.index(b"\n", at)], offset + at
            offset += whole
            advance(whole)
    finally:
        os.close(fd)


def capture_rows(
    path: Path, start: int, end: int, dates: Collection[str] | None, advance: Callable[[int], None]
) -> Iterator[Row]:
    """The rows of the captures."""
    for line in lines_of_types(path, start, end, ("payment.captured",), advance):
        if dates is None or line.at[:10] in dates:
            row = row_of(line, line.entity, None)
            if row is not None:
                yield row


def row_of(line: Line, payment_id: str, merchant_id: str | None) -> Row | None:
    """The movement that the line is; none if it moves nothing at a provider.

    Its merchant is read off the postings where they name one.
    """
    change = receivable_change(line.postings)
    if change is None:
        return None
    data = line.data
    reference = data.attempt_id or (data.terms.reference if data.terms else "")
    return (
        line.seq, line.at, line.at[:10], OPERATIONS[line.type], payment_id, line.entity, reference,
        merchant_id or _owner(line.postings), change.provider, change.currency,
        change.amount + data.provider_fee, data.merchant_fee, data.provider_fee,
    )  # fmt: skip


def frame_of(rows: Iterator[Row]) -> "pl.DataFrame":
    """The rows as a frame, batch by batch: Python's objects of a million rows would fill the memory."""
    import polars as pl

    schema = {name: pl.Int64 if name in INTEGERS else pl.String for name in COLUMNS}
    frames = [pl.DataFrame(schema=schema)]
    while batch := list(islice(rows, _BATCH_ROWS)):
        columns = zip(*batch, strict=True)
        frames.append(pl.DataFrame(dict(zip(COLUMNS, columns, strict=True)), schema=schema))
    return pl.concat(frames)


def _hits(chunk: bytes, whole: int, needles: list[bytes]) -> Iterator[int]:
    """Where the lines begin that hold one of the needles, in their order."""
    next_of = {needle: chunk.find(needle, 0, whole) for needle in needles}
    while True:
        found = [at for at in next_of.values() if at >= 0]
        if not found:
            return
        first = min(found)
        yield chunk.rfind(b"\n", 0, first) + 1
        after = chunk.index(b"\n", first)
        for needle, at in next_of.items():
            if 0 <= at < after:
                next_of[needle] = chunk.find(needle, after, whole)


def _proved(line: bytes, path: Path, offset: int) -> Line:
    unsealed = line[:-_TAIL_BYTES]
    if line[-_TAIL_BYTES:] != b',"hash":"%b"}' % sha256(unsealed).hexdigest().encode():
        raise LedgerCorrupt(path, line_number(path, offset), "the hash does not match the line")
    try:
        return _decode(line)
    except msgspec.MsgspecError as error:
        raise LedgerCorrupt(
            path, line_number(path, offset), f"the line is no ledger entry: {error}"
        ) from None


def line_number(path: Path, offset: int) -> int:
    """The number, from 1, of the line that begins at `offset`."""
    with path.open("rb") as book:
        return lines_before(book.fileno(), offset) + 1


def _owner(postings: tuple[Posting, ...]) -> str:
    for posting in postings:
        for prefix in _OWNED:
            if posting.account.startswith(prefix):
                return posting.account[len(prefix) :]
    return ""
