"""Delete an endpoint: nothing is sent there any more."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_webhook_endpoint import get_webhook_endpoint


async def delete_webhook_endpoint(gateway: Gateway, request: Request, endpoint_id: str) -> None:
    """What waits for it is dropped. Raises `WebhookEndpointNotFound`."""
    await get_webhook_endpoint(gateway, request.caller, endpoint_id, request.correlation_id)

    async def delete(_action: Action) -> Rendered:
        await gateway.outbox.delete_endpoint(request.caller.merchant_id, endpoint_id, request.correlation_id)
        return Rendered(204, {})

    wish = Wish("delete_webhook_endpoint", f"DELETE /webhook-endpoints/{endpoint_id}", endpoint_id)
    await audited(gateway, request, wish, delete)
