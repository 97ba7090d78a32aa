"""A merchant's customers, newest first, page by page."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from payrail.gateway.domain.customers import Customer, customer_view
from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.runtime.pages import newest_first


class CustomerFilter(Struct, frozen=True):
    """What a customer must be to be listed."""

    email: str | None = None
    q: str | None = None

    def matches(self, customer: Customer) -> bool:
        """Whether the customer meets every condition that is set."""
        return (self.email is None or self.email.casefold() == (customer.email or "").casefold()) and (
            self.q is None or any(self.q.casefold() in text.casefold() for text in _searched(customer))
        )


async def list_customers(
    gateway: Gateway, caller: Caller, wanted: CustomerFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    customers = {customer.id: customer for customer in gateway.customers.of(caller.merchant_id)}
    found, next_cursor = await newest_first(
        list(customers), customers.__getitem__, wanted.matches, limit=limit, cursor=cursor
    )
    return {"data": [customer_view(customer) for customer in found], "next_cursor": next_cursor}


def _searched(customer: Customer) -> Iterator[str]:
    yield customer.id
    yield from customer.metadata.values()
    for text in (customer.name, customer.email, customer.merchant_reference, customer.description):
        if text is not None:
            yield text
