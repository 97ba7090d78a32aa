"""A merchant's settled days, newest first, page by page."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def list_settlements(
    gateway: Gateway, caller: Caller, *, limit: int, cursor: str | None, correlation_id: str
) -> Mapping[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor` and `JobsUnavailable`."""
    return await gateway.settlements.list(caller.merchant_id, correlation_id, limit=limit, cursor=cursor)
