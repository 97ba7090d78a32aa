"""The fold of idempotency keys: who holds a key, for which request, and which entry answered it."""

from msgspec import Struct

from payrail.ledger.entry import SYSTEM, Claim, Entry

Scope = tuple[str, str, str]


class HeldClaim(Struct, frozen=True, gc=False):
    """A key as the ledger knows it. `answered_by` is the sequence of the outcome entry, none while it is open."""

    claim: Claim
    entity: str
    claimed_at: str
    claimed_by: int
    answered_by: int | None = None


#: What nobody asks for begins without a key: PayRail's own doing, and what a provider does or tells of late.
_UNASKED = frozenset(
    {"payment.expiry_started", "payment.late_reversal_started", "dispute.opened", "refund.failed"}
)


def needs_claim(entry: Entry) -> bool:
    """Whether the entry claims an idempotency key if nothing was open before it: what somebody asks for has one.

    A dispute that nobody answered in time is ended by PayRail itself.
    """
    given_up = entry.type == "dispute.resolution_started" and entry.actor.role == SYSTEM
    return not given_up and entry.type not in _UNASKED


class ClaimConflict(ValueError):
    """An entry claims a key that another one holds, or answers one that nobody claimed."""

    code = "claim_conflict"


def evolve_claim(held: HeldClaim | None, entry: Entry, claim: Claim) -> HeldClaim | None:
    """The key after `entry`, which carries `claim`; none when the key is free again.

    Raises `ClaimConflict` where an entry claims a held key, answers an answered one, or changes its fingerprint.
    """
    if held is None:
        if claim.status == "released":
            raise ClaimConflict(f"{entry.id} releases an idempotency key that is not held")
        held = HeldClaim(claim, entry.entity, entry.at, entry.seq)
    elif entry.entity != held.entity:
        raise ClaimConflict(f"{entry.id} names an idempotency key that {held.entity} holds")
    if held.answered_by is not None:
        raise ClaimConflict(
            f"{entry.id} answers an idempotency key that entry {held.answered_by} has answered"
        )
    if held.claim.fingerprint != claim.fingerprint:
        raise ClaimConflict(f"{entry.id} changes the fingerprint of an idempotency key")
    if claim.status == "released":
        return None
    if claim.status == "claimed":
        return held
    return HeldClaim(claim, held.entity, held.claimed_at, held.claimed_by, answered_by=entry.seq)
