"""One dispute as it is now."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_dispute
from payrail.ledger.dispute_view import dispute_view


async def get_dispute(gateway: Gateway, caller: Caller, dispute_id: str) -> dict[str, Any]:
    """The contract's `Dispute`. Raises `DisputeNotFound`."""
    return dispute_view(await find_dispute(gateway, caller.merchant_id, dispute_id))
