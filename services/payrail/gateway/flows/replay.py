"""Answering a request from the ledger: the first time, and again when its idempotency key comes back."""

import heapq

from payrail.gateway.domain.answers import Rendered, render_open, render_outcome
from payrail.gateway.domain.errors import OperationNotProcessed
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.claims import HeldClaim
from payrail.ledger.entry import Claim, Entry
from payrail.ledger.settlement import JobRecord, evolve_record
from payrail.ledger.state import Committed, LedgerState


def answer_once(committed: Committed) -> Rendered:
    """The answer of an operation whose outcome entry was just written."""
    return render_outcome(committed.entry, committed.subject)


def answer_again(gateway: Gateway, held: HeldClaim) -> Rendered:
    """The stored answer of a finished operation, rendered from the ledger as of its outcome entry."""
    rendered = _render_at(gateway, held)
    return Rendered(rendered.status, rendered.body, replayed=True)


def answer_by_claim(gateway: Gateway, claim: Claim) -> Rendered:
    """The answer to a request that did not write the outcome itself, by what became of its key.

    Answered, by whoever got there first: a replay. Open: 202 with the thing as it is. Given back:
    `OperationNotProcessed`.
    """
    held = gateway.journal.state.claims.get(claim.scope)
    if held is None:
        raise OperationNotProcessed
    if held.answered_by is None:
        return render_open(gateway.journal.state.subject(held.entity))
    return answer_again(gateway, held)


def entries_of(gateway: Gateway, payment_id: str, up_to_seq: int | None = None) -> list[Entry]:
    """The entries that make a payment what it is, those of its refunds included, in the order of the ledger."""
    entities = gateway.journal.state.entities_of(payment_id)
    books = [gateway.journal.read(entity, up_to_seq) for entity in entities]
    return list(heapq.merge(*books, key=lambda entry: entry.seq))


def committed_at(gateway: Gateway, entity: str, seq: int) -> Committed:
    """The entity's entry with this sequence number, and everything as it was right after it: folded again up to there.
    May be called in any thread."""
    payment_id = gateway.journal.state.payment_of(entity)
    if payment_id is None:
        return _record_at(gateway, entity, seq)
    then = LedgerState()
    committed: Committed | None = None
    for entry in entries_of(gateway, payment_id, seq):
        committed = then.stage(entry)
        then.publish()
    if committed is None or committed.entry.seq != seq:
        raise LookupError(f"{entity} has no entry {seq}")
    return committed


def _record_at(gateway: Gateway, entity: str, seq: int) -> Committed:
    record: JobRecord | None = None
    entries = gateway.journal.read(entity, seq)
    for entry in entries:
        record = evolve_record(record, entry)
    if not entries or entries[-1].seq != seq:
        raise LookupError(f"{entity} has no entry {seq}")
    return Committed(entries[-1], None, record=record)


def _render_at(gateway: Gateway, held: HeldClaim) -> Rendered:
    """The answer as of the outcome entry: from the state if nothing came after it, else folded again up to there."""
    answered_by = held.answered_by or 0
    current = gateway.journal.state.subject(held.entity)
    if current.seq == answered_by:
        return render_outcome(gateway.journal.read(held.entity, answered_by)[-1], current)
    committed = committed_at(gateway, held.entity, answered_by)
    return render_outcome(committed.entry, committed.subject)
