"""Enable an endpoint again that was disabled because it answered that it is gone."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_webhook_endpoint import get_webhook_endpoint


async def enable_webhook_endpoint(gateway: Gateway, request: Request, endpoint_id: str) -> Rendered:
    """The endpoint; what happens from now on is sent there. Raises `WebhookEndpointNotFound`."""
    await get_webhook_endpoint(gateway, request.caller, endpoint_id, request.correlation_id)

    async def enable(_action: Action) -> Rendered:
        merchant_id = request.caller.merchant_id
        enabled = await gateway.outbox.enable_endpoint(merchant_id, endpoint_id, request.correlation_id)
        return Rendered(200, dict(enabled))

    wish = Wish("enable_webhook_endpoint", f"POST /webhook-endpoints/{endpoint_id}/enable", endpoint_id)
    return await audited(gateway, request, wish, enable)
