"""Which provider a payment may take, in which order, and why: the pure decision."""

from collections.abc import Mapping
from typing import get_args

import pytest

from payrail.gateway.domain.errors import NoProvider
from payrail.gateway.domain.outcomes import Declined
from payrail.gateway.domain.routing import (
    Availability,
    Condition,
    Cost,
    Facts,
    Router,
    RoutingRules,
    Rule,
    route,
)
from payrail.ledger.payment_events import Decline
from payrail_sdk.provider_sim.models import DeclineCode
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, pay

CHEAP_B = {"providerA": Cost(290, 30), "providerB": Cost(179, 12)}
US_VISA = Facts(10_000, "USD", "US", "visa", "424242")


def order(
    facts: Facts,
    *rules: Rule,
    costs: Mapping[str, Cost] = CHEAP_B,
    availability: Mapping[str, Availability] | None = None,
) -> list[str]:
    routing = route(facts, RoutingRules(costs, rules), availability or {})
    assert {c.provider for c in (*routing.candidates, *routing.excluded)} == set(costs), "each has its reason"
    return [candidate.provider for candidate in routing.candidates]


def test_without_rules_the_cheaper_provider_comes_first() -> None:
    assert order(US_VISA) == ["providerB", "providerA"]


def test_equal_costs_keep_the_order_of_names() -> None:
    same = {"providerB": Cost(100, 5), "providerA": Cost(100, 5)}
    assert order(US_VISA, costs=same) == ["providerA", "providerB"]


def test_cost_is_the_rate_of_the_brand_and_the_fixed_amount_of_the_currency() -> None:
    cost = Cost(290, 30, {"EUR": 25}, {"amex": 340})
    assert cost.of(Facts(10_000, "USD", "US", "visa")) == 320
    assert cost.of(Facts(10_000, "EUR", "US", "visa")) == 315
    assert cost.of(Facts(10_000, "USD", "US", "amex")) == 370


def test_which_provider_is_cheaper_depends_on_the_amount() -> None:
    costs = {"providerA": Cost(100, 50), "providerB": Cost(300, 0)}
    assert order(Facts(1_000, "USD", "US"), costs=costs) == ["providerB", "providerA"]
    assert order(Facts(100_000, "USD", "US"), costs=costs) == ["providerA", "providerB"]


@pytest.mark.parametrize(
    ("when", "fits", "fits_not"),
    [
        (Condition(countries=("DE",)), Facts(1, "EUR", "DE"), Facts(1, "EUR", "FR")),
        (Condition(currencies=("EUR",)), Facts(1, "EUR", "DE"), Facts(1, "USD", "DE")),
        (Condition(brands=("amex",)), Facts(1, "EUR", "DE", "amex"), Facts(1, "EUR", "DE")),
        (
            Condition(bins=("4242",)),
            Facts(1, "EUR", "DE", "visa", "424299"),
            Facts(1, "EUR", "DE", "visa", "424100"),
        ),
        (Condition(amount_min=100), Facts(100, "EUR", "DE"), Facts(99, "EUR", "DE")),
        (Condition(amount_max=100), Facts(100, "EUR", "DE"), Facts(101, "EUR", "DE")),
        (
            Condition(countries=("DE",), currencies=("EUR",)),
            Facts(1, "EUR", "DE"),
            Facts(1, "USD", "DE"),
        ),
    ],
)
def test_a_rule_holds_for_what_it_is_written_for_and_for_nothing_else(
    when: Condition, fits: Facts, fits_not: Facts
) -> None:
    rule = Rule("a_first", when, prefer=("providerA",))
    assert order(fits, rule) == ["providerA", "providerB"]
    assert order(fits_not, rule) == ["providerB", "providerA"]


def test_a_rule_with_an_order_leaves_out_whom_it_does_not_name() -> None:
    only_a = Rule("only_a", order=("providerA",))
    assert order(US_VISA, only_a) == ["providerA"]
    reasons = route(US_VISA, RoutingRules(CHEAP_B, (only_a,)), {}).excluded
    assert reasons[0].reason == "rule only_a does not name it"


def test_the_first_rule_that_fits_decides_and_every_exclusion_counts() -> None:
    rules = (
        Rule("not_b_in_france", Condition(countries=("FR",)), exclude=("providerB",)),
        Rule("b_first", prefer=("providerB",)),
        Rule("a_first", prefer=("providerA",)),
    )
    assert order(Facts(1, "EUR", "DE"), *rules) == ["providerB", "providerA"]
    assert order(Facts(1, "EUR", "FR"), *rules) == ["providerA"]


def test_an_open_breaker_leaves_a_provider_out_even_where_a_rule_prefers_it() -> None:
    prefer_a = Rule("a_first", prefer=("providerA",))
    assert order(US_VISA, prefer_a, availability={"providerA": "open"}) == ["providerB"]
    assert order(US_VISA, prefer_a, availability={"providerA": "probes_taken"}) == ["providerB"]
    assert order(US_VISA, prefer_a, availability={"providerA": "probe"}) == ["providerA", "providerB"]


def test_no_provider_left_is_a_refusal_that_says_why_of_each() -> None:
    desk = Desk(MemoryJournal())
    payment = desk.create(pay(1))
    router = Router(RoutingRules(CHEAP_B), {"providerA": "open", "providerB": "open"})
    with pytest.raises(NoProvider, match=r"providerA: its breaker is open; providerB: its breaker is open"):
        router.route_payment(payment)


def test_the_decision_names_the_deciding_rule_and_the_rules_it_came_from() -> None:
    routing = route(US_VISA, RoutingRules(CHEAP_B, (Rule("b_first", prefer=("providerB",)),), "abc"), {})
    assert (routing.rule, routing.rules_digest) == ("b_first", "abc")
    assert [candidate.reason for candidate in routing.candidates] == ["rule b_first prefers it", "cost"]


@pytest.mark.parametrize("code", sorted(get_args(DeclineCode)))
def test_only_a_generic_decline_and_a_processing_error_go_on_to_the_next_provider(code: str) -> None:
    desk = Desk(MemoryJournal())
    desk.create(pay(1))
    desk.begin_authorization(pay(1))
    payment = desk.record_authorization(pay(1), Declined(Decline(code, "no")))
    asked = [attempt.provider for attempt in payment.attempts]
    if code in ("generic_decline", "processing_error"):
        assert (payment.state, asked) == ("AUTHORIZING", ["providerA", "providerB"])
        payment = desk.record_authorization(pay(1), Declined(Decline(code, "no")))
        assert [attempt.provider for attempt in payment.attempts] == asked, "at most one attempt per provider"
    assert payment.state == "DECLINED"
    assert payment.decline is not None
    assert payment.decline.code == code
