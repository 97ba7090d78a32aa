"""Take note of a dispute that a provider opened by itself."""

from typing import cast

from payrail.gateway.domain.disputes import ProviderDispute, open_provider_dispute
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.dispute import Dispute
from payrail.ledger.entry import SYSTEM, Actor
from payrail.ledger.state import Committed


async def receive_dispute(
    gateway: Gateway, provider: str, notice: ProviderDispute, correlation_id: str
) -> Dispute:
    """The dispute, booked now or before: a notice that comes twice changes nothing. Raises `PaymentNotFound`."""
    origin = gateway.origin(Actor(provider, SYSTEM), correlation_id)
    decide = open_provider_dispute(
        gateway.new_id("dsp"), notice, origin, respond_by=gateway.response_deadline()
    )
    result = await gateway.journal.append("disputes", decide)
    return cast(Dispute, result.subject) if isinstance(result, Committed) else result
