"""Which provider a payment would take, and why, without making it: nothing is written and no probe is used up."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from payrail.gateway.domain.routing import Availability, Facts, Router, facts_of
from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_payment
from payrail.ledger.money import exponent


async def explain_payment(gateway: Gateway, caller: Caller, payment_id: str) -> dict[str, Any]:
    """What an authorization of this payment would find now. Raises `PaymentNotFound`."""
    return _explain(gateway, facts_of(await find_payment(gateway, caller.merchant_id, payment_id)))


def explain_routing(gateway: Gateway, facts: Facts) -> dict[str, Any]:
    """What a payment with these facts would find now. Raises `UnknownCurrency`."""
    exponent(facts.currency)
    return _explain(gateway, facts)


def _explain(gateway: Gateway, facts: Facts) -> dict[str, Any]:
    rules = gateway.rules.in_force().rules
    routing = Router(rules, _availability(gateway)).route(facts)
    return {
        "provider": routing.candidates[0].provider if routing.candidates else None,
        "candidates": [asdict(candidate) for candidate in routing.candidates],
        "excluded": [asdict(left_out) for left_out in routing.excluded],
        "rule": routing.rule,
        "rules_digest": rules.digest,
        "currency": facts.currency,
    }


def _availability(gateway: Gateway) -> Mapping[str, Availability]:
    """What the breakers would say to the next payment; a half-open one is taken to have a probe left."""
    said: dict[str, Availability] = {"CLOSED": "available", "OPEN": "open", "HALF_OPEN": "probe"}
    return {provider: said[breaker.state] for provider, breaker in gateway.breakers.states().items()}
