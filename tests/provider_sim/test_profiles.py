"""The providers differ in words, codes and prices."""

import itertools

import pytest

from payrail.provider_sim.profiles import PROFILES, DeclineReason, Operation, Outcome, Profile

VISA, AMEX = "424242", "378282"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_outcome_that_can_occur_has_a_word(profile: Profile) -> None:
    can_occur = {
        *itertools.product(
            (Operation.CAPTURE, Operation.REVERSE, Operation.DISPUTE, Operation.EVIDENCE, Operation.RESOLVE),
            (Outcome.APPROVED, Outcome.DECLINED),
        ),
        *itertools.product((Operation.AUTHORIZE,), (Outcome.APPROVED, Outcome.DECLINED, Outcome.REVERSED)),
        *itertools.product(
            (Operation.REFUND,), (Outcome.APPROVED, Outcome.DECLINED, Outcome.PENDING, Outcome.FAILED)
        ),
    }
    assert set(profile.words) == can_occur


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_reason_has_a_code_of_its_own(profile: Profile) -> None:
    assert set(profile.codes) == set(DeclineReason)
    assert len({code.code for code in profile.codes.values()}) == len(DeclineReason)


@pytest.mark.parametrize(
    ("provider", "amount", "currency", "card_bin", "fee"),
    [
        ("providerA", 10_000, "USD", VISA, 290 + 30),
        ("providerA", 4_999, "EUR", AMEX, 145 + 25),  # 144.971 is rounded up.
        ("providerA", 1, "JPY", VISA, 0 + 45),  # 0.029 is rounded down.
        ("providerA", 50, "USD", VISA, 1 + 30),  # 1.45 is rounded down.
        ("providerB", 10_000, "USD", VISA, 165 + 14 + 12),
        ("providerB", 10_000, "USD", AMEX, 240 + 14 + 12),
        ("providerB", 10_000, "GBP", "601100", 200 + 14 + 10),
    ],
)
def test_a_capture_costs_what_the_price_list_says(
    provider: str, amount: int, currency: str, card_bin: str, fee: int
) -> None:
    assert PROFILES[provider].fee(amount, currency, card_bin) == fee
