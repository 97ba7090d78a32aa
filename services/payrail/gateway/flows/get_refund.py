"""One refund as it is now."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_refund
from payrail.ledger.refund_view import refund_view


async def get_refund(gateway: Gateway, caller: Caller, refund_id: str) -> dict[str, Any]:
    """The contract's `Refund`. Raises `RefundNotFound`."""
    return refund_view(await find_refund(gateway, caller.merchant_id, refund_id))
