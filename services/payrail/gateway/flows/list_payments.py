"""A merchant's payments, newest first, page by page."""

import asyncio
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.pages import position_of, to_cursor
from payrail.ledger.payment import Payment
from payrail.ledger.payment_view import payment_view

_SCANNED_PER_TURN = 2_000


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
    q: str | None = None

    def matches(self, payment: Payment) -> bool:
        """Whether the payment meets every condition that is set; `created_to` itself is not in."""
        return (
            (not self.states or payment.state in self.states)
            and self.currency in (None, payment.currency)
            and self.provider in (None, payment.provider)
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
    """`{data, next_cursor}`. Raises `InvalidCursor`.

    A cursor is a position in the merchant's payments in order of creation: what is added later never moves it.
    """
    await gateway.journal.catch_up()
    state = gateway.journal.state
    ids = state.payments_of.get(caller.merchant_id, [])
    below = len(ids) if cursor is None else min(position_of(cursor), len(ids))
    found: list[Payment] = []
    while below > 0 and len(found) <= limit:
        stop = max(0, below - _SCANNED_PER_TURN)
        for index in range(below - 1, stop - 1, -1):
            below = index
            payment = state.payments[ids[index]]
            if wanted.matches(payment):
                found.append(payment)
                if len(found) > limit:
                    break
        await asyncio.sleep(0)  # A long scan lets other requests through.
    more = len(found) > limit
    # The first payment of the next page is `below`; its cursor is the position just after it.
    return {
        "data": [payment_view(payment) for payment in found[:limit]],
        "next_cursor": to_cursor(below + 1) if more else None,
    }


def _searched(payment: Payment) -> Iterator[str]:
    yield payment.id
    yield payment.payment_method.last4
    yield from payment.metadata.values()
    for text in (payment.merchant_reference, payment.description, payment.provider_reference):
        if text is not None:
            yield text
