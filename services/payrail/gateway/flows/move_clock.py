"""Move the one clock of all services, and do what falls due by it."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_clock import get_clock

OPERATION = "POST /clock"


async def move_clock(gateway: Gateway, request: Request, advance_s: int | None, to: str | None) -> Rendered:
    """Move it by `advance_s` seconds, or to the time `to`; what fell due is done when this returns.

    Raises `ClockFixed`, `ClockBehindLedger` and `ClockOutOfRange`.
    """
    details = {"set": to} if advance_s is None else {"advance_s": advance_s}

    async def move(action: Action) -> Rendered:
        await gateway.journal.catch_up()
        control, mover = gateway.clock_control, action.requested.id
        floor = gateway.journal.state.newest_at
        if advance_s is not None:
            control.advance(advance_s, mover=mover, floor=floor)
        else:
            control.set(to or "", mover=mover, floor=floor)
        await gateway.due.run()
        return Rendered(200, get_clock(gateway))

    return await audited(gateway, request, Wish("move_clock", OPERATION, "clock", details), move)
