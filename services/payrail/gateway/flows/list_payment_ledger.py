"""The ledger entries of one payment and its refunds, in the order in which they were written."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_payment
from payrail.ledger.payment_view import entry_view
from payrail.runtime.journal.refold import entries_of
from payrail.runtime.pages import position_of, to_cursor


async def list_payment_ledger(
    gateway: Gateway, caller: Caller, payment_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}` with the contract's `LedgerEntry`s, read from the files.

    Raises `PaymentNotFound` and `InvalidCursor`.
    """
    payment = await find_payment(gateway, caller.merchant_id, payment_id)
    start = position_of(cursor) if cursor else 0
    entries = entries_of(gateway.journal, payment.id)
    end = start + limit
    return {
        "data": [entry_view(entry) for entry in entries[start:end]],
        "next_cursor": to_cursor(end) if end < len(entries) else None,
    }
