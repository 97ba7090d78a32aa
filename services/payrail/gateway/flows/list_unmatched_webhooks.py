"""Webhooks about references that the ledger does not have, newest first."""

from typing import Any

import msgspec

from payrail.gateway.flows.gateway import Gateway
from payrail.runtime.pages import newest_first


async def list_unmatched_webhooks(gateway: Gateway, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{data, next_cursor}` with the contract's `UnmatchedWebhook`s. Raises `InvalidCursor`."""
    kept = {notice.webhook_id: notice for notice in gateway.unmatched.all()}
    found, next_cursor = await newest_first(
        list(kept), kept.__getitem__, lambda _notice: True, limit=limit, cursor=cursor
    )
    return {"data": [msgspec.to_builtins(notice) for notice in found], "next_cursor": next_cursor}
