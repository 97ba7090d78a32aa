"""A judge for books that nobody has folded: it looks for the few references in question, and folds what they belong to.

Rows that the ledger has no movement for are few; of a big day's payments nothing else is kept in memory.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger.entry import BOOKS, Entry, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.ledger.state import LedgerState
from payrail.ledger_jobs.known_references import judge_by
from payrail.ledger_jobs.reconciliation import Judge, Owner, Row

_REFERENCE = re.compile(rb"att_[0-9A-HJKMNP-TV-Z]{26}")
_ENTITY = re.compile(rb'"entity":"([^"]+)"')
_CHUNK_BYTES = 32 << 20


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
    paths = [directory / f"{book}.jsonl" for book in BOOKS]
    found = {entity for path in paths for entity, _ in _lines_with(path, _REFERENCE, references)}
    # What is of no payment itself says of which it is in the entry that it begins with.
    payments = set(found)
    for path in paths:
        for _, line in _lines_with(path, _ENTITY, found):
            data = _decode(line).data
            payments.add((data.payment_id or (data.terms and data.terms.payment_id) or "").encode())
    entries = sorted(
        (unseal(line, DECODERS) for path in paths for _, line in _lines_with(path, _ENTITY, payments)),
        key=_seq,
    )
    state = LedgerState()
    for entry in entries:
        state.stage(entry)
        state.publish()
    return state


def _seq(entry: Entry) -> int:
    return entry.seq


def _lines_with(path: Path, pattern: re.Pattern[bytes], wanted: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The entity and the bytes of each line in which the pattern finds something that is wanted."""
    if not wanted or not path.exists():
        return
    with path.open("rb") as book:
        rest = b""
        while chunk := book.read(_CHUNK_BYTES):
            chunk = rest + chunk
            whole = chunk.rfind(b"\n") + 1
            rest = chunk[whole:]
            # Most chunks of a big day hold nothing that is wanted, and are done with here.
            if wanted.isdisjoint(pattern.findall(chunk, 0, whole)):
                continue
            for line in chunk[:whole].split(b"\n"):
                if not wanted.isdisjoint(pattern.findall(line)):
                    yield _ENTITY.findall(line)[0], line
