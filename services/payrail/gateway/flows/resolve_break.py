"""Say of a break that it is explained or closed, and why."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request


async def resolve_break(
    gateway: Gateway, request: Request, date: str, break_id: str, *, state: str, reason: str
) -> Rendered:
    """The contract's `Break`. Raises `ReconciliationNotFound`, `BreakTransitionInvalid` and `JobsUnavailable`."""
    caller = request.caller
    word = {
        "merchant_id": caller.merchant_id,
        "user_id": caller.user_id,
        "role": caller.role,
        "state": state,
        "reason": reason,
    }

    async def say(_action: Action) -> Rendered:
        said = await gateway.reconciliations.resolve_break(date, break_id, word, request.correlation_id)
        return Rendered(200, dict(said))

    operation = f"POST /reconciliation/{date}/breaks/{break_id}"
    details = {"date": date, "state": state, "reason": reason}
    return await audited(gateway, request, Wish("resolve_break", operation, break_id, details), say)
