"""A merchant's dead letters, newest first, page by page."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def list_dead_letters(
    gateway: Gateway, caller: Caller, *, limit: int, cursor: str | None, correlation_id: str
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    page = await gateway.outbox.list_dead_letters(
        caller.merchant_id, limit=limit, cursor=cursor, correlation_id=correlation_id
    )
    return dict(page)
