"""The background resolver: finishes what a dead process or a lost answer left open.

One process of a data directory is the resolver, whoever holds its lease. It takes an open payment only if its
attempt's lease is free: a live call of any process is never touched.
"""

import asyncio
import logging
from contextlib import ExitStack

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.run import Run
from payrail.gateway.flows.settle_authorization import resume_authorization
from payrail.gateway.flows.settle_operation import resume_operation
from payrail.ledger.entry import Actor
from payrail.ledger.payment import Payment

RESOLVER = Actor("resolver", "system")
_LEASE = "resolver"
_BACKOFF_FACTOR = 2
_BACKOFF_INTERVALS_MAX = 64

logger = logging.getLogger(__name__)


class Resolver:
    """Remembers when to look at which payment again; what is open, the ledger knows."""

    def __init__(self, gateway: Gateway, interval_s: float) -> None:
        self._gateway = gateway
        self._interval_s = interval_s
        self._next_look: dict[str, tuple[float, float]] = {}

    async def run(self) -> None:
        """Sleep and look, until cancelled. A round that fails is logged and followed by the next.

        Sleep first: after a crash a caller's retry can still reach another provider, the resolver cannot.
        """
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look()
            except Exception:
                logger.exception("the resolver's round failed")

    async def look(self) -> None:
        """One round: try to finish every open payment that is due and that nobody works on."""
        with self._gateway.leases.hold(_LEASE) as elected:
            if not elected:
                return
            await self._gateway.journal.catch_up()
            state = self._gateway.journal.state
            self._next_look = {key: due for key, due in self._next_look.items() if key in state.open_payments}
            for payment_id in list(state.open_payments):
                if self._gateway.clock.monotonic() >= self._next_look.get(payment_id, (0.0, 0.0))[0]:
                    await self._try(payment_id)

    async def _try(self, payment_id: str) -> None:
        gateway = self._gateway
        payment = gateway.journal.state.payments[payment_id]
        if payment.pending is None:
            return
        with ExitStack() as leases:
            if not leases.enter_context(gateway.leases.hold(payment.pending.attempt.id)):
                return
            await gateway.journal.catch_up()
            leased, payment = payment.pending.attempt.id, gateway.journal.state.payments[payment_id]
            if payment.pending is None or payment.pending.attempt.id != leased:
                return  # Another process went on meanwhile; the attempt that is open now is under a lease of its own.
            run = Run(gateway, RESOLVER, gateway.new_id("cor"), leases)
            settled = await _resume(run, await run.take_over(payment))
        if settled.pending is not None:
            self._back_off(payment_id)

    def _back_off(self, payment_id: str) -> None:
        wait_s = self._next_look.get(payment_id, (0.0, self._interval_s))[1]
        longest_s = self._interval_s * _BACKOFF_INTERVALS_MAX
        now_s = self._gateway.clock.monotonic()
        self._next_look[payment_id] = (now_s + wait_s, min(wait_s * _BACKOFF_FACTOR, longest_s))


async def _resume(run: Run, payment: Payment) -> Payment:
    pending = payment.pending
    if pending is None:
        return payment
    resume = resume_authorization if pending.attempt.operation == "authorize" else resume_operation
    return await resume(run, payment)
