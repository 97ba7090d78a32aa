"""Taking over what another process left open."""

from payrail.gateway.domain.drafts import draft_of
from payrail.gateway.domain.origin import Origin
from payrail.ledger.entry import Draft
from payrail.ledger.payment_events import TakenOver
from payrail.ledger.state import LedgerState, Subject, book_of


def take_over(
    state: LedgerState, entity: str, attempt_id: str, owner: str, origin: Origin
) -> Draft | Subject:
    """Make `owner` the process that finishes the open attempt; nothing to do if it is that already.

    Raises `LookupError` for an entity that the ledger does not have.
    """
    subject = state.latest(entity)
    if subject is None:
        raise LookupError(f"there is no {entity}")
    pending = subject.pending
    if pending is None or pending.attempt.id != attempt_id or pending.owner == owner:
        return subject
    name = f"{book_of(subject).removesuffix('s')}.taken_over"
    return draft_of(subject, name, TakenOver(attempt_id, pending.owner, owner), origin)
