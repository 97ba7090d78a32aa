"""The figures of a merchant's dashboard."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.totals import Totals

_APPROVED = frozenset(
    {
        "AUTHORIZED",
        "PARTIALLY_CAPTURED",
        "CAPTURED",
        "PARTIALLY_REFUNDED",
        "REFUNDED",
        "EXPIRED",
    }
)
_REFUSED = frozenset({"DECLINED", "FAILED"})


async def get_summary(gateway: Gateway, caller: Caller) -> dict[str, Any]:
    """The contract's `Summary`. Amounts are minor units."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    totals = state.totals_of.get(caller.merchant_id, Totals())
    states = dict(totals.payments)
    approved = sum(states.get(one, 0) for one in _APPROVED)
    decided = approved + sum(states.get(one, 0) for one in _REFUSED)
    return {
        "at": gateway.now(),
        "payments": _counts(states),
        "refunds": _counts(dict(totals.refunds)),
        "disputes": _counts(dict(totals.disputes)),
        "approval_rate": round(approved / decided, 4) if decided else None,
        "currencies": [
            {"currency": currency, **asdict(sums)} for currency, sums in sorted(totals.currencies.items())
        ],
    }


def _counts(counts: Mapping[str, int]) -> dict[str, Any]:
    by_state = [{"state": state, "count": number} for state, number in sorted(counts.items()) if number]
    return {"total": sum(counts.values()), "by_state": by_state}
