"""A judge for books that nobody has folded: it looks for the few references in question, and folds what they belong to.

Rows that the ledger has no movement for are few; of a big day's payments nothing else is kept in memory.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger.entry import BOOKS, Entry, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.ledger.state import LedgerState
from payrail.ledger_jobs.books import splitting
from payrail.ledger_jobs.reconciliation.known_references import judge_by
from payrail.ledger_jobs.reconciliation.three_way import Judge, Owner, Row

_REFERENCE = re.compile(rb"att_[0-9A-HJKMNP-TV-Z]{26}")
_ENTITY = re.compile(rb'"entity":"([^"]+)"')
_CHUNK_BYTES = 4 << 20


class _Terms(Struct, gc=False):
    payment_id: str | None = None


class _Data(Struct, gc=False):
    payment_id: str | None = None
    terms: _Terms | None = None


class _Line(Struct, gc=False):
    entity: str
    data: _Data


_decode = msgspec.json.Decoder(_Line).decode


def judge_by_scan(directory: Path) -> Judge:
    """A judge by the books in `directory`. Raises `BrokenLine` for a line that counts and is not what was written."""

    def judge(rows: Sequence[Row]) -> Sequence[Owner]:
        wanted = {row[name].encode() for row in rows for name in ("reference", "authorization")}
        return judge_by(_state_of(directory, wanted))(rows)

    return judge


def _state_of(directory: Path, references: set[bytes]) -> LedgerState:
    """The state of the payments that these references belong to, with their refunds and disputes."""
    books = {book: directory / f"{book}.jsonl" for book in BOOKS}
    found = {entity for path in books.values() for entity, _ in _lines_with(path, _REFERENCE, references)}
    # What is of no payment itself says of which it is in the entry that it begins with.
    returned = [
        line for book in ("refunds", "disputes") for entity, line in _lines_with(books[book], _ENTITY, found)
    ]
    named = (_decode(line).data for line in returned)
    payments = {(data.payment_id or (data.terms and data.terms.payment_id) or "").encode() for data in named}
    lines = [line for _, line in _lines_with(books["payments"], _ENTITY, found | payments)]
    state = LedgerState()
    for entry in sorted((unseal(line, DECODERS) for line in lines + returned), key=_seq):
        state.stage(entry)
        state.publish()
    return state


def _seq(entry: Entry) -> int:
    return entry.seq


def _lines_with(path: Path, pattern: re.Pattern[bytes], wanted: set[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """The entity and the bytes of each line in which the pattern finds something that is wanted."""
    if not wanted or not path.exists():
        return []
    end = path.stat().st_size
    if end < splitting.LONG_BYTES:
        return _found_in_part(str(path), 0, end, pattern, wanted)
    parts = splitting.in_parts(path, end, partial(_found_in_part, pattern=pattern, wanted=wanted))
    return chain.from_iterable(lines for _size, lines in parts)


def _found_in_part(
    path: str, start: int, end: int, pattern: re.Pattern[bytes], wanted: set[bytes]
) -> list[tuple[bytes, bytes]]:
    """Runs in a process of its own where the book is long."""
    found: list[tuple[bytes, bytes]] = []
    with Path(path).open("rb") as book:
        book.seek(start)
        rest = b""
        while start < end and (chunk := book.read(min(_CHUNK_BYTES, end - start))):
            start += len(chunk)
            chunk = rest + chunk
            whole = chunk.rfind(b"\n") + 1
            rest = chunk[whole:]
            # Most chunks of a big day hold nothing that is wanted, and are done with here.
            if wanted.isdisjoint(pattern.findall(chunk, 0, whole)):
                continue
            found += (
                (_ENTITY.findall(line)[0], line)
                for line in chunk[:whole].split(b"\n")
                if not wanted.isdisjoint(pattern.findall(line))
            )
    return found
