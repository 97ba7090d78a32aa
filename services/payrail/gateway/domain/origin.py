"""What a decision is given beside the state: who causes it, and what it cannot make itself."""

from msgspec import Struct

from payrail.ledger.entry import Actor


class Origin(Struct, frozen=True):
    """Who causes an entry, within which request, and when (RFC 3339 UTC)."""

    actor: Actor
    correlation_id: str
    at: str


class Reserved(Struct, frozen=True):
    """What a decision may need but cannot make itself: a fresh attempt id, and the process that will do the call."""

    attempt_id: str
    owner: str
