"""A merchant's settled day, row by row."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def get_settlement(
    gateway: Gateway, caller: Caller, date: str, *, limit: int, cursor: str | None, correlation_id: str
) -> Mapping[str, Any]:
    """The contract's `Settlement`, with a page of its rows. Raises `SettlementNotFound`, `InvalidCursor` and
    `JobsUnavailable`."""
    return await gateway.settlements.page(
        caller.merchant_id, date, correlation_id, limit=limit, cursor=cursor
    )


async def get_settlement_csv(gateway: Gateway, caller: Caller, date: str, correlation_id: str) -> str:
    """All rows of the day as CSV. Raises `SettlementNotFound` and `JobsUnavailable`."""
    return await gateway.settlements.csv(caller.merchant_id, date, correlation_id)
