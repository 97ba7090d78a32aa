"""A merchant's disputes, newest first, page by page."""

from typing import Any

from msgspec import Struct

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.dispute import Dispute
from payrail.ledger.dispute_view import dispute_view
from payrail.runtime.pages import newest_first


class DisputeFilter(Struct, frozen=True):
    """What a dispute must be to be listed."""

    states: frozenset[str] = frozenset()
    payment_id: str | None = None

    def matches(self, dispute: Dispute) -> bool:
        """Whether the dispute meets every condition that is set."""
        return (not self.states or dispute.state in self.states) and (
            self.payment_id in (None, dispute.payment_id)
        )


async def list_disputes(
    gateway: Gateway, caller: Caller, wanted: DisputeFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    ids = state.disputes_of.get(caller.merchant_id, [])
    found, next_cursor = await newest_first(
        ids, state.disputes.__getitem__, wanted.matches, limit=limit, cursor=cursor
    )
    return {"data": [dispute_view(dispute) for dispute in found], "next_cursor": next_cursor}
