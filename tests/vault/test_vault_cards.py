"""Brand, length, check digit and expiry of a card, from its number alone."""

import random
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from vault_bench import VISA, completed

from payrail.vault.cards import BIN_DIGITS, BRAND_RANGES, UNKNOWN, BrandRange, Card, brand_of, check_card
from payrail.vault.errors import CardExpired, CardInvalid

TODAY = date(2026, 3, 31)


def checked(number: str, exp_month: int = 12, exp_year: int = 2031) -> Card:
    return check_card(number, exp_month, exp_year, "Ada Lovelace", TODAY)


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("4000056655665556", "visa"),
        ("4222222222222", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("341111111111111", "amex"),
        ("6011111111111117", "discover"),
        ("6500000000000002", "discover"),
        ("3056930009020004", "diners"),
        ("36227206271667", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
        ("6205500000000000004", "unionpay"),
        ("6759649826438453", "maestro"),
        ("5018717772000000009"[:18] + "9", "maestro"),
        ("9111111111111111"[:15] + "8", UNKNOWN),
    ],
)
def test_the_brand_follows_from_the_leading_digits(number: str, brand: str) -> None:
    number = completed(number[:-1])
    assert brand_of(number) == brand
    assert checked(number).brand == brand


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("2221", "2220"),
        ("2720", "2721"),
        ("3528", "3527"),
        ("3589", "3590"),
        ("644", "643"),
        ("649", "640"),
        ("305", "306"),
        ("8171", "8172"),
        ("55", "56"),
    ],
)
def test_a_range_ends_where_the_table_says(inside: str, outside: str) -> None:
    assert brand_of(inside.ljust(16, "0")) != brand_of(outside.ljust(16, "0"))


def test_the_more_specific_range_wins() -> None:
    assert brand_of("6221260000000000") == "unionpay"
    assert brand_of("6304000000000000") == "maestro"
    assert brand_of("6011000000000000") == "discover"
    assert brand_of("6900000000000000") == "maestro"


@pytest.mark.parametrize("number", ["42424242424242", "4242424242424", "3782822463100", "36227206271"])
def test_a_length_that_the_brand_does_not_have_is_refused(number: str) -> None:
    number = completed(number)
    with pytest.raises(CardInvalid, match=r"length|13 to 19"):
        checked(number)


@pytest.mark.parametrize("number", ["", "4242", "4" * 20, "4242 4242 4242 4242", "\uff14" * 16])
def test_what_is_no_row_of_13_to_19_digits_is_refused(number: str) -> None:
    with pytest.raises(CardInvalid, match="13 to 19 digits"):
        checked(number)


def test_the_digits_that_may_be_kept_decide_the_brand() -> None:
    assert all(len(one.first) == len(one.last) <= BIN_DIGITS for one in BRAND_RANGES)


@given(st.sampled_from(BRAND_RANGES), st.integers(0, 2**32))
def test_every_number_of_a_range_is_taken_with_its_check_digit_and_with_no_other(
    brand_range: BrandRange, seed: int
) -> None:
    rng = random.Random(seed)
    prefix = str(rng.randint(int(brand_range.first), int(brand_range.last)))
    length = rng.choice(sorted(brand_range.lengths))
    number = completed(prefix + "".join(rng.choices("0123456789", k=length - len(prefix) - 1)))
    assume(brand_of(number) == brand_range.brand)  # Otherwise a longer prefix of another brand decides.
    card = checked(number)
    assert (card.brand, card.bin, card.last4) == (brand_range.brand, number[:6], number[-4:])
    with pytest.raises(CardInvalid, match="check digit"):
        checked(number[:-1] + str((int(number[-1]) + rng.randint(1, 9)) % 10))


@given(st.text("0123456789", min_size=12, max_size=18), st.data())
def test_any_single_wrong_digit_is_noticed(digits: str, data: st.DataObject) -> None:
    """The check digit's promise: one mistyped digit never gives another valid number."""
    number = completed("9" + digits[1:])
    place = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from([other for other in "0123456789" if other != number[place]]))
    mistyped = number[:place] + digit + number[place + 1 :]
    assert brand_of(number) == UNKNOWN
    assert checked(number).brand == UNKNOWN
    with pytest.raises(CardInvalid):
        checked(mistyped)


def test_a_card_is_valid_to_the_end_of_its_month() -> None:
    assert checked(VISA, 3, 2026).exp_month == 3
    for exp_month, exp_year in ((2, 2026), (12, 2025)):
        with pytest.raises(CardExpired):
            checked(VISA, exp_month, exp_year)
    assert check_card(VISA, 12, 2026, None, date(2026, 12, 31))
    with pytest.raises(CardExpired):
        check_card(VISA, 12, 2026, None, date(2027, 1, 1))


def test_neither_number_nor_name_shows_in_a_cards_text_or_in_its_refusal() -> None:
    card = checked(VISA)
    assert VISA not in f"{card} {card!r}"
    assert "Ada" not in repr(card)
    with pytest.raises(CardInvalid) as refused:
        checked(VISA[:-1] + "3")
    assert VISA[:12] not in repr(refused.value)
