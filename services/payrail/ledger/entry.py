"""Entries: one command is one entry is one line in one book; every line seals the one before it.

A line is the JSON of the entry without its hash, then the hash: SHA-256, in hex, over exactly those bytes up to the
`,"hash":` member. `prev` is the hash of the entry before it in the global sequence, whichever book that one is in,
so that a changed, missing or inserted line breaks the chain at a line that can be named.
"""

from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct

from payrail.ledger.postings import Posting, require_balanced

Book = Literal["payments", "refunds", "disputes"]
BOOKS: tuple[Book, ...] = ("payments", "refunds", "disputes")

GENESIS = "0" * 64
_HASH_MEMBER = b',"hash":"'
_TAIL = _HASH_MEMBER + b'%b"}'
_TAIL_BYTES = len(_HASH_MEMBER) + 64 + len(b'"}')

ClaimStatus = Literal["claimed", "finished", "released"]


#: The role of a part of PayRail, or of a provider that tells it something.
SYSTEM = "system"


class Actor(Struct, frozen=True, gc=False):
    """Who caused an entry: a user of a merchant with a role, or a part of PayRail with the role `system`."""

    id: str
    role: str


class Claim(Struct, frozen=True, gc=False):
    """An idempotency key in use. The operation's first entry claims it, the outcome finishes or releases it."""

    merchant_id: str
    operation: str
    key: str
    fingerprint: str
    status: ClaimStatus = "claimed"

    @property
    def scope(self) -> tuple[str, str, str]:
        """What a key is unique within: merchant, method and path, key."""
        return (self.merchant_id, self.operation, self.key)

    def finished(self) -> "Claim":
        """The same claim, answered for good."""
        return msgspec.structs.replace(self, status="finished")

    def released(self) -> "Claim":
        """The same claim, given back: nothing happened, the key may be used again."""
        return msgspec.structs.replace(self, status="released")


class Draft(Struct, frozen=True):
    """An entry as decided, before the journal gives it its place in the sequence."""

    book: Book
    entity: str
    type: str
    version: int
    data: Struct
    actor: Actor
    correlation_id: str
    at: str
    postings: tuple[Posting, ...] = ()
    idempotency: Claim | None = None


class Entry(Struct, frozen=True):
    """A sealed entry. `data` is the struct that the entry's type names; `version` counts the entity's entries."""

    seq: int
    id: str
    book: Book
    entity: str
    type: str
    version: int
    at: str
    data: Any
    postings: tuple[Posting, ...]
    actor: Actor
    correlation_id: str
    idempotency: Claim | None
    prev: str
    hash: str = ""


class _Unsealed(Struct, frozen=True, gc=False):
    """The members of a line that its hash covers, in the order in which they are written."""

    seq: int
    id: str
    book: Book
    entity: str
    type: str
    version: int
    at: str
    data: msgspec.Raw
    postings: tuple[Posting, ...]
    actor: Actor
    correlation_id: str
    idempotency: Claim | None
    prev: str


class BrokenLine(ValueError):
    """A complete line that is not what it was when it was written."""

    code = "broken_line"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Unsealed)


def seal(draft: Draft, *, seq: int, entry_id: str, prev: str) -> tuple[Entry, bytes]:
    """Give the draft its place: the entry, and its line with the newline. Refuses unbalanced postings."""
    if draft.postings:
        require_balanced(draft.postings)
    entry = Entry(
        seq, entry_id, draft.book, draft.entity, draft.type, draft.version, draft.at, draft.data, draft.postings,
        draft.actor, draft.correlation_id, draft.idempotency, prev,
    )  # fmt: skip
    body = _encoder.encode(entry)
    unsealed = body[: -len(b',"hash":""}')]
    digest = sha256(unsealed).hexdigest()
    msgspec.structs.force_setattr(entry, "hash", digest)  # Nobody has seen the entry yet.
    return entry, b"%b%b\n" % (unsealed, _TAIL % digest.encode())


def line_of(entry: Entry) -> bytes:
    """The one line, without its newline, that says what the entry says; `seal` writes no other."""
    return _encoder.encode(entry)


def unseal(line: bytes, types: dict[str, msgspec.json.Decoder[Any]]) -> Entry:
    """Read a line (without its newline) and prove its hash. `types` decodes the data of each entry type.

    Raises `BrokenLine` when its hash does not cover its bytes, or when it is not an entry of a known type.
    """
    unsealed, tail = line[:-_TAIL_BYTES], line[-_TAIL_BYTES:]
    digest = sha256(unsealed).hexdigest()
    if tail != _TAIL % digest.encode():
        raise BrokenLine("the hash does not match the line")
    try:
        raw = _decoder.decode(unsealed + b"}")
        data = types[raw.type].decode(raw.data)
    except KeyError as error:
        raise BrokenLine(f"the entry type {error} is unknown") from None
    except msgspec.MsgspecError as error:
        raise BrokenLine(f"the line is not a ledger entry: {error}") from None
    return Entry(
        raw.seq, raw.id, raw.book, raw.entity, raw.type, raw.version, raw.at, data, raw.postings,
        raw.actor, raw.correlation_id, raw.idempotency, raw.prev, digest,
    )  # fmt: skip
