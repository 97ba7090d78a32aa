"""What merchants pay. Rates are basis points; amounts are minor units of the currency.

A merchant has a price plan: *blended*, one rate for every card, or *interchange++*, where the interchange of the card's
brand and the scheme's fee are passed on and PayRail adds its markup. Every part is rounded half to even on the minor
unit by itself, and the fee is the sum of the rounded parts, so that a statement adds up.
"""

from typing import Annotated

from msgspec import Meta, Struct

from payrail.ledger.money import basis_points_half_even, exponent
from payrail.ledger.payment_events import FeeParts

Rate = Annotated[int, Meta(ge=0, le=10_000)]
FixedPart = Annotated[int, Meta(ge=0, le=1_000_000)]

#: Interchange of a brand that a plan does not name.
ANY_BRAND = "*"


class Blended(Struct, frozen=True, tag_field="plan", tag="blended", forbid_unknown_fields=True):
    """One rate for every card. `fixed` is in minor units of a two-digit currency, and scaled for others."""

    basis_points: Rate = 290
    fixed: FixedPart = 30

    def fee(self, amount: int, currency: str, _brand: str) -> tuple[int, None]:
        """The fee on a capture; a blended one has no parts."""
        return basis_points_half_even(amount, self.basis_points) + scaled(self.fixed, currency), None


class InterchangePlusPlus(
    Struct, frozen=True, tag_field="plan", tag="interchange_plus_plus", forbid_unknown_fields=True
):
    """Interchange by brand (`*` for all others), plus the scheme's fee, plus PayRail's markup."""

    interchange_basis_points: dict[str, Rate]
    scheme_basis_points: Rate
    markup_basis_points: Rate
    markup_fixed: FixedPart

    def __post_init__(self) -> None:
        if ANY_BRAND not in self.interchange_basis_points:
            raise ValueError(
                f"interchange_basis_points needs a rate for all other brands, under {ANY_BRAND!r}"
            )

    def fee(self, amount: int, currency: str, brand: str) -> tuple[int, FeeParts]:
        """The fee on a capture, and its parts."""
        rates = self.interchange_basis_points
        parts = FeeParts(
            basis_points_half_even(amount, rates.get(brand, rates[ANY_BRAND])),
            basis_points_half_even(amount, self.scheme_basis_points),
            basis_points_half_even(amount, self.markup_basis_points) + scaled(self.markup_fixed, currency),
        )
        return parts.interchange + parts.scheme + parts.markup, parts


PricePlan = Blended | InterchangePlusPlus

#: 2.9 % and 0.30: what a merchant pays with whom nothing else was agreed.
DEFAULT_PLAN = Blended()


def scaled(fixed: int, currency: str) -> int:
    """A fixed part as the currency has it: 0.30 is 30 yen and 0.100 dinars, which come near it."""
    match exponent(currency):
        case 3:
            return fixed * 10 // 3
        case 4:
            return fixed * 100
        case _:
            return fixed


#: What PayRail charges a merchant for a dispute, by the currency's exponent: 15.00 in two-digit currencies.
_DISPUTE_FEE_BY_EXPONENT = {0: 1_500, 2: 1_500, 3: 5_000, 4: 150_000}


def dispute_fee(currency: str) -> int:
    """What PayRail charges a merchant for a dispute, in minor units; kept however it ends."""
    return _DISPUTE_FEE_BY_EXPONENT[exponent(currency)]
