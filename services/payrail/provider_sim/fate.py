"""What becomes of an authorization: a pure function of seed and call, so that order and concurrency cannot matter.

A draw hashes what it depends on. No generator keeps state between two calls, hence the same seed gives the same
outcomes however many clients ask, in whatever order.
"""

import hashlib

import msgspec

from payrail.provider_sim.magic_cards import MAGIC_CARDS, Behaviour
from payrail.provider_sim.profiles import BASIS_POINTS, DeclineReason, Operation, Profile

# How often each reason stands behind a decline that no magic card fixed, of 100.
_REASON_WEIGHTS = (
    (DeclineReason.GENERIC_DECLINE, 45),
    (DeclineReason.INSUFFICIENT_FUNDS, 35),
    (DeclineReason.PROCESSING_ERROR, 8),
    (DeclineReason.INCORRECT_CVC, 5),
    (DeclineReason.LOST_CARD, 4),
    (DeclineReason.STOLEN_CARD, 3),
)


class Card(msgspec.Struct, frozen=True):
    """A card as an authorize brings it. It lives as long as the call; a record keeps only what `operations` copies."""

    number: str
    exp_month: int
    exp_year: int


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of an authorization before its record exists: a decline, or an approval with its behaviour."""

    declines: DeclineReason | None = None
    behaviour: Behaviour | None = None


def uniform(*parts: str | int) -> float:
    """A number in [0, 1) that depends on the parts and on nothing else; each part counts where it stands."""
    text = "".join(f"{len(part)}:{part}," for part in map(str, parts))
    first_bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11
    return first_bits / (1 << 53)


def judge_authorization(
    profile: Profile, *, seed: int, card: Card, merchant_reference: str | None, attempt: int, today: str
) -> Verdict:
    """The verdict on an authorization; ``today`` starts with the clock's ``YYYY-MM``.

    A magic card decides first, then the card's expiry, then a draw at the profile's approval rate. The draw follows
    the merchant's reference, or the card's number where there is none, and the attempt.
    """
    magic = MAGIC_CARDS.get(card.number)
    if magic is not None:
        if magic.behaviour is Behaviour.LOST_BEFORE_PROCESSING and attempt > 1:
            return Verdict()  # So that the next provider can take what the first one lost.
        return Verdict(magic.declines, magic.behaviour)
    if f"{card.exp_year:04}-{card.exp_month:02}" < today[:7]:
        return Verdict(DeclineReason.EXPIRED_CARD)
    subject = ("reference", merchant_reference) if merchant_reference is not None else ("card", card.number)
    call = (seed, profile.id, Operation.AUTHORIZE, *subject, attempt)
    if uniform("approval", *call) * BASIS_POINTS < profile.approval_basis_points:
        return Verdict()
    return Verdict(_reason(uniform("reason", *call)))


def _reason(drawn: float) -> DeclineReason:
    threshold = drawn * 100
    for reason, weight in _REASON_WEIGHTS:
        if threshold < weight:
            return reason
        threshold -= weight
    raise AssertionError("the weights add up to 100")
