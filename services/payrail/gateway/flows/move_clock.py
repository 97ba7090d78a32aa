"""Move the one clock of all services, and do what falls due by it, each thing in its time."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_clock import get_clock

OPERATION = "POST /clock"
_LEASE = "clock"
_LEASE_POLL_S = 0.01
# What falls due within this time is done at one stop.
_TOGETHER = timedelta(seconds=5)
# A long way with much to do is not stopped at for ever, nor by receivers that hang: then the rest is done at its end.
_STOPS_MAX = 64
_STOPPING_S_MAX = 10.0


async def move_clock(gateway: Gateway, request: Request, advance_s: int | None, to: str | None) -> Rendered:
    """Move it by `advance_s` seconds, or to the time `to`; what fell due is done when this returns.

    The providers' webhooks and the retries of ours are sent in their time, as if the clock had run there: a refund that
    fails a minute later fails on its own day, also when the clock is moved by a week.

    Raises `ClockFixed`, `ClockBehindLedger` and `ClockOutOfRange`.
    """
    details = {"set": to} if advance_s is None else {"advance_s": advance_s}

    async def move(action: Action) -> Rendered:
        while True:  # One at a time, in any process: a move that stops on its way must find the clock where it left it.
            with gateway.leases.hold(_LEASE) as free:
                if free:
                    await _move(gateway, action.requested.id, advance_s, to)
                    return Rendered(200, get_clock(gateway))
            await asyncio.sleep(_LEASE_POLL_S)

    return await audited(gateway, request, Wish("move_clock", OPERATION, "clock", details), move)


async def _move(gateway: Gateway, mover: str, advance_s: int | None, to: str | None) -> None:
    """Move the clock and do what falls due, on the way and at the goal. Raises what `move_clock` does."""
    await gateway.journal.catch_up()
    control, floor = gateway.clock_control, gateway.journal.state.timeline.newest_at
    if advance_s is None:
        go = partial(control.set, to or "", mover=mover, floor=floor)
    else:
        go = partial(control.advance, advance_s, mover=mover, floor=floor)
    real_time_s = asyncio.get_running_loop().time
    give_up_s = real_time_s() + _STOPPING_S_MAX
    stops = 0
    # The first stop is where it stands: it learns what is due on its way, once it is known that it may go there.
    stop_at: datetime | None = gateway.clock.now()
    while not await go(stop_at=stop_at):
        stops += 1
        due = await gateway.due.run()
        tired = stops > _STOPS_MAX or real_time_s() > give_up_s
        stop_at = None if due is None or tired else _stop_for(due)
    await gateway.due.run()


def _stop_for(due: datetime) -> datetime:
    """Where to stop for what falls due: a little later, for what follows close behind, but on the same UTC day."""
    later = due + _TOGETHER
    return later if later.date() == due.date() else due
