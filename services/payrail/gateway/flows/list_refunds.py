"""A merchant's refunds, newest first, page by page."""

from typing import Any

from msgspec import Struct

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.refund import Refund
from payrail.ledger.refund_view import refund_view
from payrail.runtime.pages import newest_first


class RefundFilter(Struct, frozen=True):
    """What a refund must be to be listed."""

    states: frozenset[str] = frozenset()
    payment_id: str | None = None

    def matches(self, refund: Refund) -> bool:
        """Whether the refund meets every condition that is set."""
        return (not self.states or refund.state in self.states) and (
            self.payment_id in (None, refund.payment_id)
        )


async def list_refunds(
    gateway: Gateway, caller: Caller, wanted: RefundFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    ids = state.refunds_of.get(caller.merchant_id, [])
    found, next_cursor = await newest_first(
        ids, state.refunds.__getitem__, wanted.matches, limit=limit, cursor=cursor
    )
    return {"data": [refund_view(refund) for refund in found], "next_cursor": next_cursor}
