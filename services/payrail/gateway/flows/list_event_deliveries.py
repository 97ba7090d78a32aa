"""What became of an event at each endpoint."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.list_events import get_event


async def list_event_deliveries(
    gateway: Gateway, caller: Caller, event_id: str, correlation_id: str
) -> dict[str, Any]:
    """The contract's `DeliveryList`. Raises `EventNotFound`."""
    await get_event(gateway, caller, event_id)
    return dict(await gateway.outbox.deliveries(caller.merchant_id, event_id, correlation_id))
