"""Fees, and the postings of a capture. Rates are basis points; fixed parts are minor units of the currency."""

from msgspec import Struct

from payrail.ledger import accounts
from payrail.ledger.money import basis_points_half_even, exponent
from payrail.ledger.postings import Posting, transfer

#: The fixed part of a fee by the currency's exponent: 0.30 in two-digit currencies, and what comes near it in others.
_FIXED_BY_EXPONENT = {0: 30, 2: 30, 3: 100, 4: 3000}


class Fee(Struct, frozen=True):
    """A rate in basis points and a fixed part in hundredths of a two-digit currency's unit (scaled for others)."""

    basis_points: int
    fixed: bool = True

    def of(self, amount: int, currency: str) -> int:
        """The fee on `amount`, in minor units, rounded half to even."""
        fixed = _FIXED_BY_EXPONENT[exponent(currency)] if self.fixed else 0
        return basis_points_half_even(amount, self.basis_points) + fixed


#: What PayRail charges a merchant for a capture: 2.9 % and 0.30.
MERCHANT_FEE = Fee(290)


#: What PayRail charges a merchant for a dispute, by the currency's exponent: 15.00 in two-digit currencies.
_DISPUTE_FEE_BY_EXPONENT = {0: 1_500, 2: 1_500, 3: 5_000, 4: 150_000}


def dispute_fee(currency: str) -> int:
    """What PayRail charges a merchant for a dispute, in minor units; kept however it ends."""
    return _DISPUTE_FEE_BY_EXPONENT[exponent(currency)]


def capture_postings(
    merchant_id: str, provider: str, amount: int, currency: str, *, merchant_fee: int, provider_fee: int
) -> tuple[Posting, ...]:
    """What a capture moves: the money, the merchant's fee, the provider's fee."""
    receivable = accounts.provider_receivable(provider)
    pending = accounts.merchant_pending(merchant_id)
    return (
        *transfer(receivable, pending, amount, currency),
        *transfer(pending, accounts.FEE_REVENUE, merchant_fee, currency),
        *transfer(accounts.PROCESSING_COST, receivable, provider_fee, currency),
    )
