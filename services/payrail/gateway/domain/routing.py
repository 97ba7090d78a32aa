"""Which providers a payment may take, in which order, and why: a pure function of the payment, the rules and what is
available.

First the rules, then the breakers, then the cost table. A rule that names the complete order, or some providers to go
first, decides the order; the first one that fits wins. What a rule excludes stays out, whichever rule says so.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from payrail.gateway.domain.errors import NoProvider
from payrail.ledger.money import basis_points_half_even
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import Candidate, Routing

#: What a provider's breaker says to one payment: calls pass, this one may be a probe, or none passes now.
Availability = Literal["available", "probe", "open", "probes_taken"]

_UNAVAILABLE: Mapping[Availability, str] = {
    "open": "its breaker is open",
    "probes_taken": "its breaker is half open and all probes are taken",
}


class Facts(Struct, frozen=True):
    """What routing looks at. `amount` is in minor units; `brand` and `bin` are empty where nobody knows them."""

    amount: int
    currency: str
    country: str
    brand: str = ""
    bin: str = ""


def facts_of(payment: Payment) -> Facts:
    """The facts of a payment that is about to be authorized."""
    method = payment.payment_method
    return Facts(payment.amount, payment.currency, payment.country, method.brand, method.bin)


class Cost(Struct, frozen=True):
    """What a provider is expected to take for a capture: a rate in basis points, which some brands have of their own,
    and a fixed part in minor units, which some currencies have of their own."""

    basis_points: int
    fixed_amount: int
    fixed_amount_by_currency: Mapping[str, int] = {}
    basis_points_by_brand: Mapping[str, int] = {}

    def of(self, facts: Facts) -> int:
        """The cost in minor units, its rate rounded half to even."""
        rate = self.basis_points_by_brand.get(facts.brand, self.basis_points)
        fixed = self.fixed_amount_by_currency.get(facts.currency, self.fixed_amount)
        return basis_points_half_even(facts.amount, rate) + fixed


class Condition(Struct, frozen=True):
    """Which payments a rule is for; what is left empty fits all. `bins` are leading digits of the card number."""

    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()
    amount_min: int | None = None
    amount_max: int | None = None

    def fits(self, facts: Facts) -> bool:
        """Whether every part that is set fits; both ends of the amount's range belong to it."""
        return (
            (not self.countries or facts.country in self.countries)
            and (not self.currencies or facts.currency in self.currencies)
            and (not self.brands or facts.brand in self.brands)
            and (not self.bins or facts.bin.startswith(self.bins))
            and (self.amount_min is None or facts.amount >= self.amount_min)
            and (self.amount_max is None or facts.amount <= self.amount_max)
        )


class Rule(Struct, frozen=True):
    """What holds for the payments that fit `when`: the whole `order`, or whom to `prefer`; and whom to `exclude`."""

    name: str
    when: Condition = Condition()
    order: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class RoutingRules(Struct, frozen=True):
    """The rules in the order in which they are read, and what each provider costs. A provider without a cost gets no
    payments. `digest` names this content: equal digests, equal rules."""

    costs: Mapping[str, Cost]
    rules: tuple[Rule, ...] = ()
    digest: str = ""


class Router(Struct, frozen=True):
    """The rules together with what is available right now, for one payment."""

    rules: RoutingRules
    availability: Mapping[str, Availability]

    def route(self, facts: Facts) -> Routing:
        """The providers to try, in order, and those left out, each with the reason; none to try is an answer, too."""
        return route(facts, self.rules, self.availability)

    def route_payment(self, payment: Payment) -> Routing:
        """The decision for a payment that is to be made. Raises `NoProvider` where nobody can take it."""
        routing = self.route(facts_of(payment))
        if not routing.candidates:
            raise NoProvider({left_out.provider: left_out.reason for left_out in routing.excluded})
        return routing


def route(facts: Facts, rules: RoutingRules, availability: Mapping[str, Availability]) -> Routing:
    """The decision, with a reason for each provider. Equal costs keep the order of the names."""
    fitting = [rule for rule in rules.rules if rule.when.fits(facts)]
    deciding = next((rule for rule in fitting if rule.order or rule.prefer), None)
    candidates: list[tuple[int, Candidate]] = []
    excluded: list[Candidate] = []
    for provider in sorted(rules.costs):
        cost = rules.costs[provider].of(facts)
        if why_not := _why_not(provider, fitting, deciding, availability):
            excluded.append(Candidate(provider, cost, why_not))
            continue
        rank, reason = _standing(provider, deciding)
        if availability.get(provider) == "probe":
            reason = f"{reason}; its breaker is half open and this is a probe"
        candidates.append((rank, Candidate(provider, cost, reason)))
    candidates.sort(key=lambda ranked: (ranked[0], ranked[1].cost_amount, ranked[1].provider))
    return Routing(
        tuple(candidate for _, candidate in candidates),
        tuple(excluded),
        deciding.name if deciding else None,
        rules.digest or None,
    )


def _why_not(
    provider: str, fitting: list[Rule], deciding: Rule | None, availability: Mapping[str, Availability]
) -> str | None:
    for rule in fitting:
        if provider in rule.exclude:
            return f"rule {rule.name} excludes it"
    if deciding and deciding.order and provider not in deciding.order:
        return f"rule {deciding.name} does not name it"
    return _UNAVAILABLE.get(availability.get(provider, "available"))


def _standing(provider: str, deciding: Rule | None) -> tuple[int, str]:
    """Where the deciding rule puts a provider, and the reason; whoever stands at the same place goes by cost."""
    if deciding:
        named = deciding.order or deciding.prefer
        if provider in named:
            verb = "orders" if deciding.order else "prefers"
            return named.index(provider), f"rule {deciding.name} {verb} it"
        return len(named), "cost"
    return 0, "cost"


class RulesFault(Struct, frozen=True):
    """What is wrong with a rules file that was not taken; line and column count from 1, 0 where there is none."""

    message: str
    line: int
    column: int
    at: str


class RulesInForce(Struct, frozen=True):
    """The rules by which payments are routed now: from where, since when, and why a newer file was not taken."""

    rules: RoutingRules
    source: str
    loaded_at: str
    fault: RulesFault | None = None


def rules_view(rules: RoutingRules) -> dict[str, object]:
    """The rules as the contract shows them: every field of every rule, whether it is set or not."""
    return {
        "costs": [
            {
                "provider": provider,
                "basis_points": cost.basis_points,
                "fixed_amount": cost.fixed_amount,
                "fixed_amounts": [
                    {"currency": currency, "amount": amount}
                    for currency, amount in cost.fixed_amount_by_currency.items()
                ],
                "brands": [
                    {"brand": brand, "basis_points": basis_points}
                    for brand, basis_points in cost.basis_points_by_brand.items()
                ],
            }
            for provider, cost in sorted(rules.costs.items())
        ],
        "rules": [msgspec.to_builtins(rule) for rule in rules.rules],
    }
