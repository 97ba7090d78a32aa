"""Which call a failure rule hits."""

import itertools
import random

import pytest

from payrail.provider_sim.errors import FieldInvalid
from payrail.provider_sim.failures import Cleared, Injected, Mode, Rule, RuleBook, Strike, Target, Used, check
from payrail.provider_sim.profiles import DeclineReason, Operation

_ids = itertools.count()


def rule(mode: Mode, **fields: object) -> Rule:
    return Rule(id=f"inj_{next(_ids)}", mode=mode, **fields)  # type: ignore[arg-type]


def rules(*injected: Rule, seed: int = 42, provider: str = "providerA") -> RuleBook:
    book = RuleBook(seed, provider)
    for each in injected:
        each.ordinal = book.take_ordinal()
        book.apply(Injected(each))
    return book


def target(operation: Operation = Operation.AUTHORIZE, reference: str = "a", **fields: object) -> Target:
    return Target(operation=operation, reference=reference, **fields)  # type: ignore[arg-type]


def test_without_rules_nothing_is_hit() -> None:
    assert rules().strike(target()) == Strike()


@pytest.mark.parametrize("operation", Operation)
def test_a_rule_without_operation_hits_every_call(operation: Operation) -> None:
    assert rules(rule(Mode.ERROR)).strike(target(operation)).mode is Mode.ERROR


@pytest.mark.parametrize("operation", Operation)
def test_a_rule_with_an_operation_hits_only_that(operation: Operation) -> None:
    struck = rules(rule(Mode.ERROR, operation=Operation.CAPTURE)).strike(target(operation)).mode
    assert (struck is Mode.ERROR) == (operation is Operation.CAPTURE)


def test_a_rule_with_last4_hits_only_cards_that_end_so() -> None:
    book = rules(rule(Mode.ERROR, last4="4242"))
    assert book.strike(target(last4="4242")).mode is Mode.ERROR
    assert book.strike(target(last4="1111")).mode is None
    assert book.strike(target()).mode is None


def test_the_oldest_rule_that_fits_applies_and_a_delay_goes_with_it() -> None:
    book = rules(
        rule(Mode.TIMEOUT, operation=Operation.REFUND),
        rule(Mode.LATENCY, latency_ms=5),
        rule(Mode.ERROR),
        rule(Mode.DECLINE),
        rule(Mode.LATENCY, latency_ms=50),
    )
    struck = book.strike(target())
    assert (struck.latency_ms, struck.mode, struck.declines) == (5, Mode.ERROR, None)


def test_a_decline_has_its_code_or_is_generic() -> None:
    assert rules(rule(Mode.DECLINE)).strike(target()).declines is DeclineReason.GENERIC_DECLINE
    lost = rules(rule(Mode.DECLINE, decline_code=DeclineReason.LOST_CARD)).strike(target())
    assert lost.declines is DeclineReason.LOST_CARD


def test_neither_an_inquiry_nor_what_is_on_record_is_declined_and_no_use_is_spent() -> None:
    book = rules(rule(Mode.DECLINE, remaining=1))
    assert book.strike(target(Operation.INQUIRY)) == Strike()
    assert book.strike(target(recorded=True)) == Strike()
    assert book.strike(target()).mode is Mode.DECLINE


def test_a_rule_is_used_up_in_order_of_arrival() -> None:
    once = rule(Mode.ERROR, remaining=2)
    book = rules(once, rule(Mode.TIMEOUT))
    modes = [book.strike(target(reference=f"a{n}")).mode for n in range(4)]
    assert modes == [Mode.ERROR, Mode.ERROR, Mode.TIMEOUT, Mode.TIMEOUT]
    assert [each.mode for each in book.rules()] == [Mode.TIMEOUT]


def test_a_use_that_could_not_be_written_is_given_back() -> None:
    book = rules(rule(Mode.ERROR, remaining=1))
    book.give_back(book.strike(target()))
    assert book.strike(target()).mode is Mode.ERROR


def test_a_later_rule_is_not_used_where_an_older_one_applies() -> None:
    second = rule(Mode.TIMEOUT, remaining=1)
    book = rules(rule(Mode.ERROR, remaining=1), second)
    assert [used.mode for used in book.strike(target()).used] == [Mode.ERROR]
    assert second.remaining == 1


def test_a_rate_hits_its_share_of_the_calls() -> None:
    book = rules(rule(Mode.ERROR, rate=0.2))
    hits = sum(book.strike(target(reference=f"a{n}")).mode is Mode.ERROR for n in range(5_000))
    assert 900 < hits < 1_100


def test_rate_zero_hits_nothing_and_rate_one_everything() -> None:
    assert all(
        rules(rule(Mode.ERROR, rate=0.0)).strike(target(reference=f"a{n}")).mode is None for n in range(200)
    )
    assert all(rules(rule(Mode.ERROR, rate=1)).strike(target(reference=f"a{n}")).mode for n in range(200))


def test_who_is_hit_does_not_depend_on_the_order_of_different_calls() -> None:
    def hit(order: list[int]) -> dict[int, list[bool]]:
        book = rules(rule(Mode.ERROR, rate=0.5), rule(Mode.LATENCY, rate=0.3, latency_ms=1))
        struck: dict[int, list[bool]] = {}
        for n in order:
            strike = book.strike(target(reference=f"a{n}"))
            struck.setdefault(n, []).extend((strike.mode is Mode.ERROR, strike.latency_ms == 1))
        return struck

    twice = [n for n in range(200) for _ in range(2)]
    shuffled = random.Random(7).sample(twice, len(twice))
    assert hit(shuffled) == hit(twice)


def test_a_repeated_call_draws_anew() -> None:
    book = rules(rule(Mode.ERROR, rate=0.5))
    struck = [book.strike(target()).mode is Mode.ERROR for _ in range(64)]
    assert 16 < sum(struck) < 48


def test_a_second_run_hits_the_same_merchant_references_whatever_the_references_of_its_calls() -> None:
    def hit(prefix: str, seed: int = 42) -> list[bool]:
        book = rules(rule(Mode.ERROR, rate=0.5), seed=seed)
        calls = (target(reference=f"{prefix}{n}", merchant_reference=f"order-{n}") for n in range(200))
        return [book.strike(call).mode is Mode.ERROR for call in calls]

    assert hit("first") == hit("second")
    assert hit("first") != hit("first", seed=43)


def test_rules_of_the_same_rate_hit_independently() -> None:
    book = rules(rule(Mode.LATENCY, rate=0.5, latency_ms=1), rule(Mode.ERROR, rate=0.5))
    struck = [book.strike(target(reference=f"a{n}")) for n in range(2_000)]
    both = sum(strike.mode is Mode.ERROR and strike.latency_ms == 1 for strike in struck)
    assert 400 < both < 600


def test_replayed_changes_give_the_same_rules() -> None:
    book = RuleBook(42, "providerA")
    spent, kept = rule(Mode.ERROR, remaining=1, ordinal=1), rule(Mode.TIMEOUT, remaining=3, ordinal=2)
    for change in (Injected(spent), Injected(kept), Used(spent.id), Used(kept.id)):
        book.apply(change)
    assert [(each.id, each.remaining) for each in book.rules()] == [(kept.id, 2)]
    assert book.take_ordinal() == 3
    book.apply(Cleared("2025-01-01T00:00:00.000Z"))
    assert book.rules() == []
    assert book.strike(target()) == Strike()


@pytest.mark.parametrize(
    ("contradiction", "pointer"),
    [
        (rule(Mode.LATENCY), "/latency_ms"),
        (rule(Mode.ERROR, latency_ms=5), "/latency_ms"),
        (rule(Mode.ERROR, decline_code=DeclineReason.LOST_CARD), "/decline_code"),
        (rule(Mode.DECLINE, operation=Operation.INQUIRY), "/operation"),
    ],
)
def test_members_that_contradict_each_other_are_refused(contradiction: Rule, pointer: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        check(contradiction)
    assert [error["pointer"] for error in refused.value.errors] == [pointer]
