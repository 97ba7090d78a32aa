"""What an entry made of things, as they were right after it: folded again from the entries up to there."""

import heapq
from typing import Protocol

from payrail.ledger.entry import Entry
from payrail.ledger.settlement import JobRecord, evolve_record
from payrail.ledger.state import Committed, LedgerState


class Readable(Protocol):
    """The part of a journal that refolding needs: what there is, and the entries that made it."""

    @property
    def state(self) -> LedgerState: ...

    def read(self, entity: str, up_to_seq: int | None = None) -> list[Entry]: ...


def entries_of(journal: Readable, payment_id: str, up_to_seq: int | None = None) -> list[Entry]:
    """The entries that make a payment what it is, those of its refunds included, in the order of the ledger."""
    entities = journal.state.entities_of(payment_id)
    books = [journal.read(entity, up_to_seq) for entity in entities]
    return list(heapq.merge(*books, key=lambda entry: entry.seq))


def committed_at(journal: Readable, entity: str, seq: int) -> Committed:
    """The entity's entry with this sequence number, and everything as it was right after it: folded again up to there.
    May be called in any thread."""
    payment_id = journal.state.payment_of(entity)
    if payment_id is None:
        return _record_at(journal, entity, seq)
    then = LedgerState()
    committed: Committed | None = None
    for entry in entries_of(journal, payment_id, seq):
        committed = then.stage(entry)
        then.publish()
    if committed is None or committed.entry.seq != seq:
        raise LookupError(f"{entity} has no entry {seq}")
    return committed


def _record_at(journal: Readable, entity: str, seq: int) -> Committed:
    record: JobRecord | None = None
    entries = journal.read(entity, seq)
    for entry in entries:
        record = evolve_record(record, entry)
    if not entries or entries[-1].seq != seq:
        raise LookupError(f"{entity} has no entry {seq}")
    return Committed(entries[-1], None, record=record)
