"""Settle a day now, on an admin's wish."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.errors import SettlementNotFound
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request


async def generate_settlement(gateway: Gateway, request: Request, date: str) -> Rendered:
    """The contract's `SettlementSummary` of the caller's merchant. Raises `FutureDay`, `JobFailed` and
    `JobsUnavailable`."""
    caller = request.caller
    requester = {"merchant_id": caller.merchant_id, "user_id": caller.user_id, "role": caller.role}

    async def settle(_action: Action) -> Rendered:
        await gateway.settlements.generate(date, requester, request.correlation_id)
        try:
            page = await gateway.settlements.page(
                caller.merchant_id, date, request.correlation_id, limit=1, cursor=None
            )
        except SettlementNotFound:
            status = "final" if date < gateway.now()[:10] else "preliminary"
            return Rendered(200, {"date": date, "status": status, "movements": 0, "totals": []})
        return Rendered(200, {name: page[name] for name in ("date", "status", "movements", "totals")})

    wish = Wish(
        "generate_settlement", f"POST /settlements/{date}/generate", f"settlement:{date}", {"date": date}
    )
    return await audited(gateway, request, wish, settle)
