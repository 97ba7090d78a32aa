"""Money: exponents as ISO 4217 has them, rounding half to even, and a text that a person reads right."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from payrail.ledger.currencies import EXPONENTS
from payrail.ledger.money import Money, UnknownCurrency, basis_points_half_even, exponent


def test_exponents_are_those_of_the_maintained_table() -> None:
    maintained = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    assert maintained == EXPONENTS


def test_what_has_no_minor_unit_is_no_currency_to_hold_money_in() -> None:
    for code in ("XAU", "XXX", "XTS", "USX", "usd", ""):
        with pytest.raises(UnknownCurrency):
            exponent(code)


@given(st.integers(-(10**14), 10**14), st.integers(0, 20_000))
def test_basis_points_are_rounded_half_to_even(amount: int, basis_points: int) -> None:
    exact = Decimal(amount) * basis_points / 10_000
    assert basis_points_half_even(amount, basis_points) == exact.quantize(Decimal(1), ROUND_HALF_EVEN)


@pytest.mark.parametrize(("amount", "rounded"), [(50, 0), (150, 2), (250, 2), (350, 4), (-50, 0), (-150, -2)])
def test_an_exact_half_goes_to_the_even_neighbour(amount: int, rounded: int) -> None:
    assert basis_points_half_even(amount, 100) == rounded


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "USD", "12.50 USD"),
        (5, "USD", "0.05 USD"),
        (0, "EUR", "0.00 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (1250, "JPY", "1250 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (-1, "CLF", "-0.0001 CLF"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert str(Money(amount, currency)) == text


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(EXPONENTS)))
def test_the_text_says_exactly_the_amount(amount: int, currency: str) -> None:
    number, code = str(Money(amount, currency)).split(" ")
    assert Decimal(number).scaleb(exponent(currency)) == amount
    assert code == currency
