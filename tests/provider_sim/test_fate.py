"""The fate of an authorization depends on the seed and the call, and on nothing else."""

import pytest

from payrail.provider_sim import magic_cards
from payrail.provider_sim.fate import Card, Verdict, judge_authorization, uniform
from payrail.provider_sim.magic_cards import MAGIC_CARDS, Behaviour
from payrail.provider_sim.profiles import PROFILES, DeclineReason
from payrail.runtime.card_numbers import luhn_valid

ORDINARY = Card("4111111111111111", 12, 2031)
TODAY = "2025-01-15T00:00:00.000Z"


def judge(
    provider: str = "providerA",
    *,
    seed: int = 42,
    card: Card = ORDINARY,
    merchant_reference: str | None = None,
    attempt: int = 1,
    today: str = TODAY,
) -> Verdict:
    return judge_authorization(
        PROFILES[provider],
        seed=seed,
        card=card,
        merchant_reference=merchant_reference,
        attempt=attempt,
        today=today,
    )


@pytest.mark.parametrize(("provider", "rate"), [("providerA", 0.95), ("providerB", 0.90)])
def test_ordinary_cards_are_approved_at_the_rate_of_the_profile(provider: str, rate: float) -> None:
    verdicts = [judge(provider, merchant_reference=f"order-{n}") for n in range(20_000)]
    approved = sum(verdict.declines is None for verdict in verdicts) / len(verdicts)
    assert approved == pytest.approx(rate, abs=0.006)  # Beyond three standard deviations of the weaker rate.


def test_declines_come_with_the_reasons_that_issuers_give_most() -> None:
    verdicts = [judge("providerB", merchant_reference=f"order-{n}") for n in range(20_000)]
    reasons = [verdict.declines for verdict in verdicts if verdict.declines is not None]
    shares = {reason: reasons.count(reason) / len(reasons) for reason in set(reasons)}
    assert shares[DeclineReason.GENERIC_DECLINE] == pytest.approx(0.45, abs=0.05)
    assert shares[DeclineReason.INSUFFICIENT_FUNDS] == pytest.approx(0.35, abs=0.05)
    assert set(shares) == set(DeclineReason) - {DeclineReason.EXPIRED_CARD, DeclineReason.REVERSED}


def test_the_same_call_meets_the_same_fate_in_any_order() -> None:
    forwards = {n: judge(merchant_reference=f"order-{n}") for n in range(500)}
    backwards = {n: judge(merchant_reference=f"order-{n}") for n in reversed(range(500))}
    assert forwards == backwards


@pytest.mark.parametrize("change", [{"seed": 43}, {"attempt": 2}, {"provider": "providerB"}])
def test_another_seed_attempt_or_provider_draws_anew(change: dict[str, object]) -> None:
    def approvals(**kw: object) -> list[bool]:
        return [judge(**kw, merchant_reference=f"order-{n}").declines is None for n in range(2_000)]  # type: ignore[arg-type]

    assert approvals(**change) != approvals()


def test_without_a_merchant_reference_the_card_decides() -> None:
    assert len({judge(card=ORDINARY, attempt=1) for _ in range(5)}) == 1
    numbers = [f"41111111{n:08}" for n in range(2_000)]
    approved = sum(judge(card=Card(number, 12, 2031)).declines is None for number in numbers)
    assert 0.93 < approved / len(numbers) < 0.97


def test_with_a_merchant_reference_the_card_does_not_matter() -> None:
    other = Card("5555555555554444", 1, 2030)
    for n in range(300):
        reference = f"order-{n}"
        assert judge(merchant_reference=reference) == judge(card=other, merchant_reference=reference)


def test_a_reference_that_looks_like_a_card_has_its_own_fate() -> None:
    numbers = [f"41111111{n:08}" for n in range(2_000)]
    by_card = [judge(card=Card(number, 12, 2031)).declines for number in numbers]
    by_reference = [judge(merchant_reference=number).declines for number in numbers]
    assert by_card != by_reference


def test_parts_of_a_draw_count_where_they_stand() -> None:
    assert uniform("ab", "c") != uniform("a", "bc")
    assert uniform(1, 2) != uniform(2, 1)
    assert uniform("1:a", "b") == uniform("1:a", "b")


def test_draws_are_spread_evenly_from_zero_to_one() -> None:
    draws = [uniform("spread", n) for n in range(10_000)]
    tenths = [sum(tenth <= draw * 10 < tenth + 1 for draw in draws) for tenth in range(10)]
    assert sum(tenths) == 10_000
    assert all(880 < count < 1_120 for count in tenths)


def test_a_card_is_good_until_the_end_of_its_month() -> None:
    card = Card("4111111111111111", 1, 2025)
    in_january = judge(card=card, merchant_reference="order-1", today="2025-01-31T23:59:59.999Z")
    in_february = judge(card=card, merchant_reference="order-1", today="2025-02-01T00:00:00.000Z")
    assert in_january.declines is None
    assert in_february.declines is DeclineReason.EXPIRED_CARD


@pytest.mark.parametrize("number", MAGIC_CARDS)
def test_a_magic_card_has_its_outcome_at_both_providers_whatever_the_seed(number: str) -> None:
    magic = MAGIC_CARDS[number]
    expected = Verdict(magic.declines, magic.behaviour)
    for provider in PROFILES:
        for seed in range(20):
            assert judge(provider, seed=seed, card=Card(number, 12, 2031)) == expected


def test_what_a_first_attempt_loses_the_second_one_takes() -> None:
    (number,) = (n for n, c in MAGIC_CARDS.items() if c.behaviour is Behaviour.LOST_BEFORE_PROCESSING)
    assert judge(card=Card(number, 12, 2031), attempt=2) == Verdict()


def test_magic_cards_are_valid_card_numbers_and_documented() -> None:
    for number in MAGIC_CARDS:
        assert luhn_valid(number)
        assert f"| {number} |" in (magic_cards.__doc__ or "")


def test_every_behaviour_has_a_card() -> None:
    assert {card.behaviour for card in MAGIC_CARDS.values()} - {None} == set(Behaviour)
