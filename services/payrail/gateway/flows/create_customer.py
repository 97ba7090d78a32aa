"""Make a customer."""

from typing import Any

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.customers import Customer, customer_view
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request

OPERATION = "POST /customers"


async def create_customer(gateway: Gateway, request: Request, terms: dict[str, Any]) -> Rendered:
    """The customer that `terms`, the contract's body, describe."""

    async def create(action: Action) -> Rendered:
        asked = action.requested
        customer = Customer(asked.entity, asked.merchant_id, asked.at, asked.at, **terms)
        return Rendered(201, customer_view(await gateway.customers.add(customer)))

    wish = Wish("create_customer", OPERATION, makes="cus", fingerprinted=terms)
    return await audited(gateway, request, wish, create)
