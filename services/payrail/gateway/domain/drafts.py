"""What decisions write: the next entry of a payment, refund or dispute, and what becomes of the key it was asked by."""

from msgspec import Struct

from payrail.gateway.domain.origin import Origin
from payrail.ledger.attempts import Pending
from payrail.ledger.entry import Claim, Draft
from payrail.ledger.postings import Posting
from payrail.ledger.state import Subject, book_of


def draft_of(
    subject: Subject,
    name: str,
    data: Struct,
    origin: Origin,
    *,
    claim: Claim | None = None,
    postings: tuple[Posting, ...] = (),
) -> Draft:
    """The next entry of the subject, of the type `name`."""
    return Draft(
        book_of(subject), subject.id, name, subject.version + 1, data, origin.actor, origin.correlation_id, origin.at,
        postings, claim,
    )  # fmt: skip


def finished(pending: Pending) -> Claim | None:
    """The key of the open operation, which is answered now; none where nobody asked by one."""
    return pending.claim.finished() if pending.claim else None


def released(pending: Pending) -> Claim | None:
    """The key of the open operation, which is free again; none where nobody asked by one."""
    return pending.claim.released() if pending.claim else None
