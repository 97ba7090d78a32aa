"""Webhooks about references that the ledger does not have, or about other amounts than it has; newest first."""

from typing import Any

import msgspec

from payrail.gateway.domain.notices import UnmatchedNotice
from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.runtime.pages import newest_first


async def list_unmatched_webhooks(
    gateway: Gateway, caller: Caller, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}` with the contract's `UnmatchedWebhook`s. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    kept = {notice.webhook_id: notice for notice in gateway.unmatched.all()}
    found, next_cursor = await newest_first(
        list(kept),
        kept.__getitem__,
        lambda notice: _owner(gateway, notice) in (None, caller.merchant_id),
        limit=limit,
        cursor=cursor,
    )
    return {"data": [msgspec.to_builtins(notice) for notice in found], "next_cursor": next_cursor}


def _owner(gateway: Gateway, notice: UnmatchedNotice) -> str | None:
    """Whose payment it tells of, by its own reference or the one that it goes back to; none if nobody's."""
    state = gateway.journal.state
    for name in ("reference", "original_reference"):
        entity = state.attempts.get(notice.data.get(name) or "")
        if entity is not None:
            return state.subject(entity).merchant_id
    return None
