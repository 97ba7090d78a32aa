"""Entering something into the books: a decision, who makes it, and the books that take its entry."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from payrail.ledger.entry import Actor, Book, Draft
from payrail.ledger.postings import Posting
from payrail.ledger.settlement import JobRecord
from payrail.ledger.state import Committed, LedgerState

#: Gets the caught-up state, under the ledger's lock, and returns the one entry to append, or none when there is nothing
#: left to do: a second instance, or an earlier run, was there first.
Decide = Callable[[LedgerState], Draft | None]


class Books(Protocol):
    """The part of a journal that a job needs."""

    @property
    def state(self) -> LedgerState: ...

    async def append(self, book: Book, decide: Decide) -> Committed | None: ...

    async def catch_up(self) -> None: ...


class JobOrigin(Struct, frozen=True):
    """Who runs a job, under which correlation id, at which time (RFC 3339 UTC)."""

    actor: Actor
    correlation_id: str
    at: str


def draft(
    entity: str,
    known: JobRecord | None,
    name: str,
    data: Struct,
    origin: JobOrigin,
    postings: tuple[Posting, ...],
) -> Draft:
    """The next entry of a job's record, of which `known` is what the ledger has."""
    version = (known.version if known else 0) + 1
    return Draft(
        "payments", entity, name, version, data, origin.actor, origin.correlation_id, origin.at, postings
    )
