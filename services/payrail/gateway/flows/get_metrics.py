"""What this process has served and called, for Prometheus."""

from collections.abc import Mapping

from payrail.gateway.flows.gateway import Gateway

_BREAKER_STATES = {"CLOSED": 0.0, "HALF_OPEN": 0.5, "OPEN": 1.0}


async def get_metrics(gateway: Gateway) -> bytes:
    """All series of this process in Prometheus' text format."""
    return await gateway.metrics.exposition()


def gauges(gateway: Gateway) -> Mapping[str, tuple[str, str, Mapping[str, float]]]:
    """What is read at the moment of asking: by name, its help, its label, and the values by label."""
    breakers = gateway.breakers.states()
    state = gateway.journal.state
    return {
        "payrail_breaker_open": (
            "The provider's circuit breaker: 0 closed, 0.5 half open, 1 open.",
            "provider",
            {provider: _BREAKER_STATES[breaker.state] for provider, breaker in breakers.items()},
        ),
        "payrail_ledger_payments": (
            "Payments in the ledger, by whether an operation at a provider is open.",
            "open",
            {"false": len(state.payments) - len(state.open_payments), "true": len(state.open_payments)},
        ),
    }
