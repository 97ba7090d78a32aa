"""A merchant's balances: per account and currency, folded from postings, now or as of any entry."""

import asyncio
from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.balances import Balances


async def get_balances(gateway: Gateway, caller: Caller, at: int | None) -> dict[str, Any]:
    """`{data, seq}`: what the merchant's entries posted, up to and with the entry `at`. Debits are positive."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    seqs = state.seqs_of.get(caller.merchant_id, ())
    newest = seqs[-1] if seqs else 0
    if at is None or at >= newest:
        balances = state.balances_of.get(caller.merchant_id, Balances())
    else:
        balances = await asyncio.to_thread(_folded, gateway, [seq for seq in seqs if seq <= at])
    return {
        "seq": newest if at is None else min(at, newest),
        "data": [
            {"account": account, "currency": currency, "amount": amount}
            for (account, currency), amount in balances.items()
        ],
    }


def _folded(gateway: Gateway, seqs: list[int]) -> Balances:
    balances = Balances()
    for seq in seqs:
        balances.post(gateway.journal.entry(seq).postings)
    return balances
