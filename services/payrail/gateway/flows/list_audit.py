"""The audit trail, newest first, page by page."""

import asyncio
from itertools import islice
from typing import Any

from msgspec.structs import replace

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_payment
from payrail.gateway.flows.trail import AuditFilter, Position, Trail
from payrail.runtime.pages import position_of, to_cursor

_ACTION_BITS = 32


async def list_audit(
    gateway: Gateway, caller: Caller, wanted: AuditFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}` with the contract's `AuditRecord`s. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    trail = Trail(gateway, caller.merchant_id, wanted)
    below = _position(cursor) if cursor else trail.end
    # Reading files takes its time where few records meet the filter: requests go on meanwhile.
    found = await asyncio.to_thread(lambda: list(islice(trail.newest_first(below), limit + 1)))
    more = len(found) > limit
    return {
        "data": [record for record, _ in found[:limit]],
        "next_cursor": _cursor(found[limit - 1][1]) if more else None,
    }


async def list_payment_audit(
    gateway: Gateway, caller: Caller, payment_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The trail of one payment, its refunds and its disputes. Raises `PaymentNotFound` and `InvalidCursor`."""
    payment = await find_payment(gateway, caller.merchant_id, payment_id)
    wanted = replace(AuditFilter(), payment_id=payment.id)
    return await list_audit(gateway, caller, wanted, limit=limit, cursor=cursor)


def _cursor(position: Position) -> str:
    return to_cursor(position.entries << _ACTION_BITS | position.actions)


def _position(cursor: str) -> Position:
    both = position_of(cursor)
    return Position(both >> _ACTION_BITS, both & ((1 << _ACTION_BITS) - 1))
