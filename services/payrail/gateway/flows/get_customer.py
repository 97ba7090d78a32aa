"""One customer of a merchant."""

from typing import Any

from payrail.gateway.domain.customers import customer_view
from payrail.gateway.flows.gateway import Caller, Gateway


def get_customer(gateway: Gateway, caller: Caller, customer_id: str) -> dict[str, Any]:
    """The contract's `Customer`. Raises `CustomerNotFound`."""
    return customer_view(gateway.customers.find(caller.merchant_id, customer_id))
