"""A merchant's webhook endpoints, newest first, page by page."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def list_webhook_endpoints(
    gateway: Gateway, caller: Caller, *, limit: int, cursor: str | None, correlation_id: str
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    page = await gateway.outbox.list_endpoints(
        caller.merchant_id, limit=limit, cursor=cursor, correlation_id=correlation_id
    )
    return dict(page)
