"""Card numbers are found in every common writing, and other numbers are left alone."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from payrail.runtime.card_numbers import (
    find_card_number,
    luhn_valid,
    mask_card_numbers,
    may_hold_card_number,
)

VISA = "4242424242424242"


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242 - 4242 - 4242 - 4242",
        "4242\u00a04242\u20134242\u20114242",
        "\uff14\uff12" * 8,
        "4242.4242.4242.4242",
        "4242_4242_4242_4242 and 4242424242424242",
        "card 3782/822463/10005.",
        "6304.0000.0000.0000.000",
        "4242\u200b4242\ufeff4242\u00ad4242",
        "paid with 4242424242424242, thanks",
        "2026-11-22 4242424242424242",
        "ref 12 4242 4242 4242 4242 99",
        "378282246310005",
        "4000056655665556123"[:16] + " and " + VISA,
        "4222222222222",
    ],
)
def test_card_number_is_found(text: str) -> None:
    assert find_card_number(text)
    assert not find_card_number(mask_card_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",
        "42424242424242420",
        "14242424242424242",
        "424242424242",
        "2026-11-22T23:24:17Z",
        "pay_01JD0000000000000000000001",
        "4242.4242.4242.4241",
        "4242.4242/4242.4242",
        "424.24242.42424.242",
        "1795643354.424242",
        "14242.4242.4242.4242",
        "x" * 100,
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert not find_card_number(text)
    assert mask_card_numbers(text) == text


def _with_check_digit(body: str) -> str:
    return next(body + digit for digit in "0123456789" if luhn_valid(body + digit))


@given(
    body=st.text("0123456789", min_size=12, max_size=18),
    separators=st.lists(st.sampled_from(["", " ", "-", " - "]), min_size=18, max_size=18),
    before=st.text(" abcxyz:#\n", max_size=5),
)
def test_any_luhn_valid_number_is_found_however_it_is_separated(
    body: str, separators: list[str], before: str
) -> None:
    number = _with_check_digit(body)
    written = before + "".join(digit + gap for digit, gap in zip(number, [*separators, ""], strict=False))
    assert find_card_number(written)


@given(
    st.text(max_size=200) | st.text(st.sampled_from('0123456789 -._/\t\n\x1f"\\é\u2011\uff14x'), max_size=60)
)
@example(VISA)
@example("4242\t4242\t4242\t4242")
def test_the_quick_look_at_json_never_misses(text: str) -> None:
    if find_card_number(text):
        assert may_hold_card_number(orjson.dumps({"note": text}))


def test_long_runs_of_digits_are_searched_in_linear_time() -> None:
    assert not find_card_number("1" * 500_000)
    assert not find_card_number("1 " * 250_000) or find_card_number("1" * 16)


def test_random_keys_are_no_card_numbers_whatever_their_digits() -> None:
    digits = "4242424242424242"
    assert find_card_number(f"order {digits}")
    assert not find_card_number(f"a{digits}bcdef0123456789")  # 32 digits of hex, as uuid4().hex makes them
    assert not find_card_number("42424242-4242-4242-8242-abcdef012345")
    assert find_card_number("4242-4242-4242-4242")
    assert find_card_number(f"{digits}-and-a-letter")
    assert find_card_number(f"a{digits}")
