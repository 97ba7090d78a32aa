"""A merchant's reconciled day, break by break."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def get_reconciliation(
    gateway: Gateway, caller: Caller, date: str, wanted: Mapping[str, str], *, limit: int, cursor: str | None,
    correlation_id: str,
) -> Mapping[str, Any]:  # fmt: skip
    """The contract's `Reconciliation`, with a page of the breaks of the `class` and `state` that are wanted.

    Raises `ReconciliationNotFound`, `InvalidCursor` and `JobsUnavailable`.
    """
    return await gateway.reconciliations.day(
        caller.merchant_id, date, correlation_id, wanted, limit=limit, cursor=cursor
    )
