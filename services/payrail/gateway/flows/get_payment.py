"""One payment as it is now."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_payment
from payrail.ledger.payment_view import payment_view


async def get_payment(gateway: Gateway, caller: Caller, payment_id: str) -> dict[str, Any]:
    """The contract's `Payment`. Raises `PaymentNotFound`."""
    return payment_view(await find_payment(gateway, caller.merchant_id, payment_id))
