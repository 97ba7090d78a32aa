"""What a card number says by itself: its brand, its check digit, and whether the card is still valid.
Pure."""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from payrail.runtime.card_numbers import luhn_valid
from payrail.vault.errors import CardExpired, CardInvalid

UNKNOWN = "unknown"
LENGTHS_OF_ANY_CARD = range(13, 20)  # ISO/IEC 7812-1 ends at 19 digits; cards below 13 are no longer issued.
BIN_DIGITS = 6  # PCI DSS lets the first six and the last four digits be shown, for numbers of any length.


@dataclass(frozen=True, slots=True)
class BrandRange:
    """Numbers that begin with ``first`` to ``last`` (both have the same number of digits) are of this
    brand."""

    brand: str
    first: str
    last: str
    lengths: frozenset[int]

    def holds(self, number: str) -> bool:
        return self.first <= number[: len(self.first)] <= self.last


def _ranges(brand: str, prefixes: str, *lengths: int) -> list[BrandRange]:
    """Prefixes as a reader writes them: ``34 37`` or ``51-55``."""
    allowed = frozenset(lengths)
    bounds = [prefix.partition("-") for prefix in prefixes.split()]
    return [BrandRange(brand, first, last or first, allowed) for first, _, last in bounds]


# The longest prefix that fits decides: 622126 belongs to UnionPay although 6 alone belongs to Maestro.
BRAND_RANGES = sorted(
    [
        *_ranges("visa", "4", 13, 16, 19),
        *_ranges("mastercard", "51-55 2221-2720", 16),
        *_ranges("amex", "34 37", 15),
        *_ranges("discover", "6011 644-649 65", 16, 17, 18, 19),
        *_ranges("diners", "300-305 3095 36 38 39", 14, 15, 16, 17, 18, 19),
        *_ranges("jcb", "3528-3589", 16, 17, 18, 19),
        *_ranges("unionpay", "62 8100-8171", 16, 17, 18, 19),
        *_ranges(
            "maestro",
            "5018 5020 5038 5893 6304 6759 6761-6763 50 56-58 6",
            *LENGTHS_OF_ANY_CARD,
        ),
    ],
    key=lambda brand_range: -len(brand_range.first),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A checked card. Its text forms show neither number nor name."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    holder_name: str | None = field(repr=False)
    brand: str

    @property
    def bin(self) -> str:
        return self.number[:BIN_DIGITS]

    @property
    def last4(self) -> str:
        return self.number[-4:]


def check_card(number: str, exp_month: int, exp_year: int, holder_name: str | None, today: date) -> Card:
    """The card, if it can be one and is valid today. Raises `CardInvalid` or `CardExpired`.

    A card is valid to the end of its month, in UTC.
    """
    if not number.isascii() or not number.isdigit() or len(number) not in LENGTHS_OF_ANY_CARD:
        raise CardInvalid("A card number has 13 to 19 digits.")
    brand_range = _brand_range(number[:BIN_DIGITS])
    if brand_range is not None and len(number) not in brand_range.lengths:
        raise CardInvalid("A number that begins like this has another length.")
    if not luhn_valid(number):
        raise CardInvalid("The number's check digit does not fit.")
    if (exp_year, exp_month) < (today.year, today.month):
        raise CardExpired("The card's month of expiry is over.")
    return Card(number, exp_month, exp_year, holder_name, brand_of(number))


def brand_of(number: str) -> str:
    """The brand by the number's leading digits, or ``unknown``."""
    brand_range = _brand_range(number[:BIN_DIGITS])
    return brand_range.brand if brand_range else UNKNOWN


@lru_cache(maxsize=1024)
def _brand_range(bin_digits: str) -> BrandRange | None:
    """By the leading digits alone, which may be kept: no range says more than those."""
    return next((one for one in BRAND_RANGES if one.holds(bin_digits)), None)
