"""Reconcile a day now, on an admin's wish."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request

_FIRST_PAGE = 20


async def run_reconciliation(gateway: Gateway, request: Request, date: str) -> Rendered:
    """The contract's `Reconciliation` of the caller's merchant. Raises `FutureDay`, `JobFailed` and
    `JobsUnavailable`."""
    caller = request.caller
    requester = {"merchant_id": caller.merchant_id, "user_id": caller.user_id, "role": caller.role}

    async def reconcile(_action: Action) -> Rendered:
        await gateway.reconciliations.run(date, requester, request.correlation_id)
        day = await gateway.reconciliations.day(
            caller.merchant_id, date, request.correlation_id, {}, limit=_FIRST_PAGE, cursor=None
        )
        return Rendered(200, dict(day))

    operation = f"POST /reconciliation/{date}/run"
    wish = Wish("run_reconciliation", operation, f"reconciliation:{date}", {"date": date})
    return await audited(gateway, request, wish, reconcile)
