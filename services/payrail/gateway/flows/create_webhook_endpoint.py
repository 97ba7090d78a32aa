"""Make an endpoint that a merchant's events are sent to."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request

OPERATION = "POST /webhook-endpoints"


async def create_webhook_endpoint(gateway: Gateway, request: Request, terms: Mapping[str, Any]) -> Rendered:
    """The endpoint that `terms`, the contract's body, describe, with its secret. Raises `UrlNotAllowed`.

    The secret is in no file: neither in the trail nor in the answer that is kept for a repetition, which asks for it
    again.
    """
    merchant_id = request.caller.merchant_id

    async def made(endpoint_id: str, created_at: str) -> Mapping[str, Any]:
        wanted = {"id": endpoint_id, "merchant_id": merchant_id, "created_at": created_at, **terms}
        return await gateway.outbox.create_endpoint(wanted, request.correlation_id)

    async def create(action: Action) -> Rendered:
        endpoint = await made(action.requested.entity, action.requested.at)
        return Rendered(201, {name: value for name, value in endpoint.items() if name != "secret"})

    wish = Wish("create_webhook_endpoint", OPERATION, details=dict(terms), makes="whe")
    rendered = await audited(gateway, request, wish, create)
    endpoint = await made(rendered.body["id"], rendered.body["created_at"])
    return Rendered(201, {**rendered.body, "secret": endpoint["secret"]}, replayed=rendered.replayed)
