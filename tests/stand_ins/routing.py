"""Routing for tests that are about something else: two providers, the first one cheaper, all breakers closed."""

from collections.abc import Mapping, Sequence
from typing import Any

from payrail.gateway.adapters.provider_webhooks import SignedNotices
from payrail.gateway.domain.actions import Action, Actions, Finished, Requested
from payrail.gateway.domain.breaker import Breaker
from payrail.gateway.domain.customers import Customer, CustomerNotFound
from payrail.gateway.domain.notices import UnmatchedNotice
from payrail.gateway.domain.pricing import DEFAULT_PLAN, PricePlan
from payrail.gateway.domain.routing import Availability, Cost, Router, RoutingRules, RulesInForce
from payrail.gateway.flows.due_work import DueWork
from payrail.gateway.job_ports import JobsUnavailable
from payrail.gateway.ports import ClockFixed, ProviderUnreachable, ServiceReport, VaultUnavailable
from payrail.runtime.metrics import Metrics

RULES = RoutingRules({"providerA": Cost(290, 30), "providerB": Cost(310, 30)})
ROUTER = Router(RULES, {})


class FixedRules:
    """`Rules` that never change."""

    def __init__(self, rules: RoutingRules = RULES) -> None:
        self._in_force = RulesInForce(rules, "test", "2025-01-01T00:00:00.000Z")

    def in_force(self) -> RulesInForce:
        return self._in_force


class ClosedBreakers:
    """`Breakers` that let everything through."""

    def survey(self, _attempt_id: str) -> Mapping[str, Availability]:
        return dict.fromkeys(RULES.costs, "available")

    def forget(self, _attempt_id: str) -> None:
        """Nothing is ever reserved."""

    def states(self) -> Mapping[str, Breaker]:
        return {provider: Breaker() for provider in RULES.costs}


class SilentProviders:
    """`ProviderControls` of providers that do not answer."""

    async def state(self, _provider: str, _correlation_id: str) -> None:
        return None

    async def inject_failure(self, *_: Any) -> Mapping[str, Any]:
        raise ProviderUnreachable

    async def deliver_webhooks(self, _correlation_id: str) -> None:
        raise ProviderUnreachable

    async def clear_failures(self, *_: Any) -> Mapping[str, Any]:
        raise ProviderUnreachable


class NoServices:
    """`Services` of a gateway that stands alone."""

    async def reports(self, _correlation_id: str) -> Sequence[ServiceReport]:
        return []


class ShortTrail:
    """`ActionTrail` that lasts as long as the test."""

    def __init__(self) -> None:
        self.actions = Actions()

    async def begin(self, requested: Requested) -> Action:
        earlier = self.actions.earlier(requested.claim)
        if earlier is None:
            self.actions.evolve(requested)
        return earlier or Action(requested)

    async def finish(self, finished: Finished) -> None:
        self.actions.evolve(finished)


class StandingClock:
    """`ClockControl` of a clock that nobody may move."""

    def offset_s(self) -> float:
        return 0.0

    def advance(self, by_s: int, *, mover: str, floor: str | None) -> None:
        raise ClockFixed

    def set(self, to: str, *, mover: str, floor: str | None) -> None:
        raise ClockFixed


class ClosedVault:
    """`VaultKeys` of a vault that does not answer."""

    async def access_log(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise VaultUnavailable

    async def rotate_keys(self, *_: Any) -> tuple[bool, Mapping[str, Any]]:
        raise VaultUnavailable


class NoCustomers:
    """`Customers` of merchants who know nobody."""

    def find(self, *_: Any) -> Customer:
        raise CustomerNotFound

    def of(self, _merchant_id: str) -> Sequence[Customer]:
        return []

    async def add(self, customer: Customer) -> Customer:
        return customer

    async def change(self, *_: Any) -> Customer:
        raise CustomerNotFound


class Forgetful:
    """`UnmatchedNotices` that nobody will look for."""

    def all(self) -> Sequence[UnmatchedNotice]:
        return []

    async def keep(self, notice: UnmatchedNotice) -> None:
        """Forgotten at once."""


class UsualPrices:
    """`Prices` of merchants with whom nothing else was agreed."""

    def plan_of(self, _merchant_id: str) -> PricePlan:
        return DEFAULT_PLAN


class IdleJobs:
    """`Jobs` that have nothing to do."""

    async def run_due(self, correlation_id: str) -> None:
        """Nothing is due."""


class NoSettlements:
    """`SettlementJobs` of ledger jobs that do not answer."""

    async def list(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise JobsUnavailable

    async def page(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise JobsUnavailable

    async def csv(self, *_: Any) -> str:
        raise JobsUnavailable

    async def generate(self, *_: Any) -> None:
        raise JobsUnavailable


class NoReconciliations:
    """`ReconciliationJobs` of ledger jobs that do not answer."""

    async def list(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise JobsUnavailable

    async def day(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise JobsUnavailable

    async def run(self, *_: Any) -> None:
        raise JobsUnavailable

    async def resolve_break(self, *_: Any) -> Mapping[str, Any]:
        raise JobsUnavailable


def surroundings() -> dict[str, Any]:
    """What a `Gateway` needs besides ledger, vault, providers and time, for tests that look at none of it."""
    return {
        "rules": FixedRules(),
        "breakers": ClosedBreakers(),
        "provider_controls": SilentProviders(),
        "services": NoServices(),
        "metrics": Metrics(),
        "trail": ShortTrail(),
        "clock_control": StandingClock(),
        "due": DueWork(),
        "vault_keys": ClosedVault(),
        "customers": NoCustomers(),
        "notices": SignedNotices({}),
        "unmatched": Forgetful(),
        "prices": UsualPrices(),
        "jobs": IdleJobs(),
        "settlements": NoSettlements(),
        "reconciliations": NoReconciliations(),
        "outbox": None,
    }
