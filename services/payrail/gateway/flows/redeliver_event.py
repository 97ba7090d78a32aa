"""Send an event again to the merchant's endpoints that want it."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.list_events import get_event


async def redeliver_event(gateway: Gateway, request: Request, event_id: str) -> Rendered:
    """Under the same webhook-id, to those that took it before as well. Raises `EventNotFound`."""
    await get_event(gateway, request.caller, event_id)

    async def redeliver(_action: Action) -> Rendered:
        sent = await gateway.outbox.redeliver(request.caller.merchant_id, event_id, request.correlation_id)
        return Rendered(202, dict(sent))

    wish = Wish("redeliver_event", f"POST /events/{event_id}/redeliver", event_id)
    return await audited(gateway, request, wish, redeliver)
