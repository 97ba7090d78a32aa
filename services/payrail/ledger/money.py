"""Money: an integer of minor units and its ISO 4217 currency. There is no float anywhere in PayRail."""

from msgspec import Struct

from payrail.ledger.currencies import EXPONENTS

_BASIS = 10_000


class UnknownCurrency(ValueError):
    """The code is not a currency of ISO 4217 that money can be held in."""

    code = "currency_unsupported"

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency} is not an ISO 4217 currency that PayRail can hold.")


class Money(Struct, frozen=True, order=True):
    """`amount` minor units of `currency`: `Money(1250, "USD")` is 12.50, `Money(1250, "JPY")` is 1250 yen."""

    amount: int
    currency: str

    def __str__(self) -> str:
        digits = exponent(self.currency)
        sign = "-" if self.amount < 0 else ""
        whole, part = divmod(abs(self.amount), 10**digits)
        return (
            f"{sign}{whole}.{part:0{digits}d} {self.currency}" if digits else f"{sign}{whole} {self.currency}"
        )


def exponent(currency: str) -> int:
    """Decimal digits of the currency's minor unit (USD 2, JPY 0, KWD 3), from ISO 4217; `UnknownCurrency` if none."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


def basis_points_half_even(amount: int, basis_points: int) -> int:
    """`amount` times `basis_points` over 10,000, rounded half to even on the minor unit (bankers' rounding)."""
    quotient, remainder = divmod(amount * basis_points, _BASIS)
    above_half = remainder * 2 - _BASIS
    return quotient + 1 if above_half > 0 or (above_half == 0 and quotient % 2) else quotient
