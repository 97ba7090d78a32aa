"""Idempotency keys: the same request again gets the same answer, another request under the same key is refused."""

from msgspec import Struct

from payrail.gateway.domain.errors import IdempotencyKeyReused
from payrail.ledger.claims import HeldClaim
from payrail.ledger.entry import Claim
from payrail.ledger.state import LedgerState


class Earlier(Struct, frozen=True):
    """The key is taken by an earlier request with the same content; `held.answered_by` says whether it is answered."""

    held: HeldClaim

    @property
    def answered(self) -> bool:
        return self.held.answered_by is not None


def earlier_request(state: LedgerState, claim: Claim) -> Earlier | None:
    """The earlier request with this key, none if the key is free: for decisions, which see what is staged.

    Raises `IdempotencyKeyReused`.
    """
    return _same_request(state.latest_claim(claim.scope), claim)


def answered_request(state: LedgerState, claim: Claim) -> HeldClaim | None:
    """The key if its request is answered for good: for readers, whom an answer that is not durable must not reach.

    Raises `IdempotencyKeyReused`.
    """
    earlier = _same_request(state.claims.get(claim.scope), claim)
    return earlier.held if earlier and earlier.answered else None


def _same_request(held: HeldClaim | None, claim: Claim) -> Earlier | None:
    if held is None:
        return None
    if held.claim.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    return Earlier(held)
