"""Which providers a payment may take, in which order, and why. A pure function of the payment and the cost table."""

from collections.abc import Mapping

from payrail.gateway.domain.errors import NoProvider
from payrail.gateway.domain.pricing import Fee
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import Candidate, Routing

#: What each provider is expected to charge for a capture.
COST_TABLE: Mapping[str, Fee] = {
    "providerA": Fee(290),
    "providerB": Fee(310),
}


def route(payment: Payment, costs: Mapping[str, Fee] = COST_TABLE) -> Routing:
    """The providers from the cheapest up; equal costs keep the order of their names. Raises `NoProvider`."""
    candidates = sorted(
        (
            Candidate(provider, fee.of(payment.amount, payment.currency), "cost")
            for provider, fee in costs.items()
        ),
        key=lambda candidate: (candidate.cost_amount, candidate.provider),
    )
    if not candidates:
        raise NoProvider
    return Routing(tuple(candidates))
