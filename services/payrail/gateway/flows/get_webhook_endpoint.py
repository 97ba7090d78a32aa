"""Look at a webhook endpoint."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def get_webhook_endpoint(
    gateway: Gateway, caller: Caller, endpoint_id: str, correlation_id: str
) -> dict[str, Any]:
    """The contract's `WebhookEndpoint`. Raises `WebhookEndpointNotFound`."""
    return dict(await gateway.outbox.endpoint(caller.merchant_id, endpoint_id, correlation_id))
