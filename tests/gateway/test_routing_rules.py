"""The rules file: what is taken, what is refused and with which place, and when it is read again."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from payrail.gateway.adapters.routing_rules import RoutingRulesFile, RoutingRulesInvalid, parse_rules
from payrail.gateway.domain.routing import Facts, RoutingRules, route
from payrail.runtime.clock import FrozenClock

PROVIDERS = ("providerA", "providerB")
GOOD = """\
version: 1
costs:
  providerA: {basis_points: 290, fixed_amount: 30}
  providerB: {basis_points: 179, fixed_amount: 12, basis_points_by_brand: {amex: 254}}
rules:
  - name: norway
    when: {countries: [NO], currencies: [NOK], amount_min: 100, bins: ["0042", 4242]}
    order: [providerB]
"""


def parse(text: str) -> RoutingRules:
    return parse_rules(text.encode(), "routing.yaml", PROVIDERS)


def test_country_no_is_norway_and_leading_zeros_stay() -> None:
    rule = parse(GOOD).rules[0]
    assert rule.when.countries == ("NO",)
    assert rule.when.bins == ("0042", "4242")
    assert rule.when.amount_min == 100


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("basis_points: 290", "basis_points: lots", "line 3, column 29", "valid integer"),
        ("fixed_amount: 30", "fixed: 30", "line 3, column 34", "costs.providerA.fixed: Extra inputs"),
        (", fixed_amount: 30", "", "line 3, column 14", "fixed_amount: Field required"),
        ("[NO]", "[Norway]", "line 7, column 24", "countries.0"),
        ("[NOK]", "[XYZ]", "line 7, column 42", "is no currency"),
        ("order: [providerB]", "order: [providerC]", "line 8, column 13", "is none of providerA, providerB"),
        ("order: [providerB]", "order: [providerB, providerB]", "line 6, column 5", "named twice"),
        ("order: [providerB]", "limit: 5", "line 8, column 5", "Extra inputs"),
        ("currencies: [NOK], ", "", "line 7, column 11", "an amount needs currencies"),
        ("version: 1", "version: 2", "line 1, column 10", "version"),
        ("version: 1", "version: 1\nversion: 1", "line 2, column 1", "the key stands here twice"),
        ("amex: 254", "amex: [254", "line 4, column 86", "expected ',' or ']'"),
        ("rules:", "rules: &a", "", ""),
    ],
)
def test_a_fault_is_told_with_its_line_and_column(old: str, new: str, place: str, says: str) -> None:
    assert old in GOOD
    if not place:
        parse(GOOD.replace(old, new))
        return
    with pytest.raises(RoutingRulesInvalid) as refused:
        parse(GOOD.replace(old, new, 1))
    message = str(refused.value)
    assert message.startswith(f"routing.yaml, {place}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "[]", "just words", "a: *b", "\x00", "costs: &x {providerA: *x}"])
def test_what_is_no_rules_file_is_refused_and_never_raises_anything_else(text: str) -> None:
    with pytest.raises(RoutingRulesInvalid):
        parse(text)


def test_the_packaged_rules_are_taken_and_put_main_currencies_where_they_are_approved_more_often() -> None:
    in_force = RoutingRulesFile(None, FrozenClock(), providers=PROVIDERS).in_force()
    assert in_force.source == "packaged"
    assert _first(in_force.rules, Facts(4999, "USD", "US", "visa", "424242")) == "providerA"
    assert _first(in_force.rules, Facts(4999, "JPY", "JP", "visa", "424242")) == "providerB"


def test_a_changed_file_is_in_force_after_the_next_look(tmp_path: Path) -> None:
    path, clock = tmp_path / "mine.yaml", FrozenClock()
    path.write_text(GOOD)
    rules = RoutingRulesFile(path, clock, providers=PROVIDERS)
    before = rules.in_force()
    assert before.source == "mine.yaml"
    path.write_text(GOOD.replace("norway", "the_north"))
    assert rules.in_force() is before, "it looks at the file at most every 50 ms"
    clock.advance(timedelta(milliseconds=51))
    after = rules.in_force()
    assert after.rules.rules[0].name == "the_north"
    assert after.rules.digest != before.rules.digest


@pytest.mark.parametrize("damage", ["broken", "gone"])
def test_a_bad_file_leaves_the_last_good_rules_in_force_and_says_why(tmp_path: Path, damage: str) -> None:
    path, clock = tmp_path / "mine.yaml", FrozenClock()
    path.write_text(GOOD)
    rules = RoutingRulesFile(path, clock, providers=PROVIDERS)
    good = rules.in_force().rules
    path.write_text("version: [") if damage == "broken" else path.unlink()
    clock.advance(timedelta(seconds=1))
    in_force = rules.in_force()
    assert in_force.rules == good
    assert in_force.fault is not None
    assert (in_force.fault.line > 0) is (damage == "broken")
    path.write_text(GOOD)
    clock.advance(timedelta(seconds=1))
    assert rules.in_force().fault is None


def test_a_gateway_does_not_start_with_rules_that_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(RoutingRulesInvalid, match=r"^none\.yaml: it cannot be read"):
        RoutingRulesFile(tmp_path / "none.yaml", FrozenClock(), providers=PROVIDERS)


def _first(rules: RoutingRules, facts: Facts) -> str:
    candidates: Sequence[str] = [candidate.provider for candidate in route(facts, rules, {}).candidates]
    return candidates[0]
