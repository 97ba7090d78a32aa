"""The ledger entries of one payment, in the order in which they were written."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.operation import find_payment
from payrail.ledger.payment_view import entry_view


async def list_payment_ledger(gateway: Gateway, caller: Caller, payment_id: str) -> list[dict[str, Any]]:
    """The contract's `LedgerEntry` list, read from the files. Raises `PaymentNotFound`."""
    payment = await find_payment(gateway, caller.merchant_id, payment_id)
    return [entry_view(entry) for entry in gateway.journal.read(payment.id)]
