"""A merchant's payments, newest first, page by page."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.payment import Payment
from payrail.ledger.payment_view import payment_view
from payrail.runtime.pages import newest_first


class PaymentFilter(Struct, frozen=True):
    """What a payment must be to be listed. Amounts are minor units; times are RFC 3339 UTC in the ledger's form."""

    states: frozenset[str] = frozenset()
    currency: str | None = None
    provider: str | None = None
    created_from: str | None = None
    created_to: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    merchant_reference: str | None = None
    customer_id: str | None = None
    q: str | None = None

    def matches(self, payment: Payment) -> bool:
        """Whether the payment meets every condition that is set; `created_to` itself is not in."""
        return (
            (not self.states or payment.state in self.states)
            and self.currency in (None, payment.currency)
            and self.provider in (None, payment.provider)
            and self.customer_id in (None, payment.customer_id)
            and self.merchant_reference in (None, payment.merchant_reference)
            and (self.created_from is None or payment.created_at >= self.created_from)
            and (self.created_to is None or payment.created_at < self.created_to)
            and (self.amount_min is None or payment.amount >= self.amount_min)
            and (self.amount_max is None or payment.amount <= self.amount_max)
            and (self.q is None or any(self.q.casefold() in text.casefold() for text in _searched(payment)))
        )


async def list_payments(
    gateway: Gateway, caller: Caller, wanted: PaymentFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    ids = state.payments_of.get(caller.merchant_id, [])
    found, next_cursor = await newest_first(
        ids, state.payments.__getitem__, wanted.matches, limit=limit, cursor=cursor
    )
    return {"data": [payment_view(payment) for payment in found], "next_cursor": next_cursor}


def _searched(payment: Payment) -> Iterator[str]:
    yield payment.id
    yield payment.payment_method.last4
    yield from payment.metadata.values()
    for text in (payment.merchant_reference, payment.description, payment.provider_reference):
        if text is not None:
            yield text
