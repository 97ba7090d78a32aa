"""The background resolver: finishes what a dead process, a lost answer or a slow provider left open, and what fell due.

One process of a data directory is the resolver, whoever holds its lease. It takes an open payment or refund only if
its attempt's lease is free: a live call of any process is never touched.
"""

import asyncio
import logging
from contextlib import ExitStack

from msgspec import Struct

from payrail.gateway.domain.disputes import is_overdue
from payrail.gateway.domain.operations import has_expired
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.run import Run
from payrail.gateway.flows.settle_authorization import resume_authorization
from payrail.gateway.flows.settle_dispute import give_up_overdue, resume_dispute
from payrail.gateway.flows.settle_operation import expire_payment, resume_operation
from payrail.gateway.flows.settle_refund import resume_refund
from payrail.ledger.dispute import Dispute
from payrail.ledger.entry import SYSTEM, Actor
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund
from payrail.ledger.state import Subject

RESOLVER = Actor("resolver", SYSTEM)
_LEASE = "resolver"
_LEASE_POLL_S = 0.01
_BACKOFF_FACTOR = 2
_BACKOFF_INTERVALS_MAX = 64

logger = logging.getLogger(__name__)


class _Look(Struct, frozen=True):
    """When to look again, by real time or by the one clock, whichever comes first; and how long to wait after that."""

    monotonic_s: float
    clock_s: float
    wait_s: float


class Resolver:
    """Remembers when to look at what again; what is open, the ledger knows."""

    def __init__(self, gateway: Gateway, interval_s: float) -> None:
        self._gateway = gateway
        self._interval_s = interval_s
        self._next_look: dict[str, _Look] = {}

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

    async def look(self) -> bool:
        """One round: try to finish everything open that is due and that nobody works on. False if another process
        is at it."""
        with self._gateway.leases.hold(_LEASE) as elected:
            if not elected:
                return False
            await self._gateway.journal.catch_up()
            state = self._gateway.journal.state
            open_ids = [*state.open_payments, *state.open_refunds, *state.open_disputes]
            still_open = {*open_ids, *state.unanswered_disputes}
            self._next_look = {
                key: look
                for key, look in self._next_look.items()
                if key in still_open or key in state.holding
            }
            for entity in open_ids:
                if self._is_due(entity):
                    await self._try(entity)
            for dispute_id in list(state.unanswered_disputes):
                if self._is_due(dispute_id):
                    await self._give_up_if_overdue(state.disputes[dispute_id])
            for payment_id in list(state.holding):
                # The oldest authorizations come first: behind one that has not expired there is none that has.
                if not has_expired(state.payments[payment_id], self._gateway.now()):
                    break
                if self._is_due(payment_id):
                    await self._expire(state.payments[payment_id])
        return True

    async def catch_up(self) -> None:
        """A whole round, after the one that another process may be at."""
        while not await self.look():  # noqa: ASYNC110 - the lease may be another process's
            await asyncio.sleep(_LEASE_POLL_S)

    async def _try(self, entity: str) -> None:
        gateway = self._gateway
        pending = gateway.journal.state.subject(entity).pending
        if pending is None:
            return
        with ExitStack() as leases:
            if not leases.enter_context(gateway.leases.hold(pending.attempt.id)):
                return
            await gateway.journal.catch_up()
            leased, subject = pending.attempt.id, gateway.journal.state.subject(entity)
            if subject.pending is None or subject.pending.attempt.id != leased:
                return  # Another process went on meanwhile; the attempt that is open now is under a lease of its own.
            settled = await _resume(Run(gateway, RESOLVER, gateway.new_id("cor"), leases), subject)
        if settled.pending is not None:
            self._back_off(entity)

    async def _give_up_if_overdue(self, dispute: Dispute) -> None:
        gateway = self._gateway
        if dispute.pending is not None or not is_overdue(dispute, gateway.now()):
            return
        with ExitStack() as leases:
            settled = await give_up_overdue(Run(gateway, RESOLVER, gateway.new_id("cor"), leases), dispute)
        if settled.state == "NEEDS_RESPONSE":
            self._back_off(dispute.id)

    async def _expire(self, payment: Payment) -> None:
        gateway = self._gateway
        if payment.pending is not None:
            return
        with ExitStack() as leases:
            expired = await expire_payment(Run(gateway, RESOLVER, gateway.new_id("cor"), leases), payment)
        if expired.amount_capturable:
            self._back_off(payment.id)

    def _is_due(self, entity: str) -> bool:
        look, clock = self._next_look.get(entity), self._gateway.clock
        if look is None:
            return True
        return clock.monotonic() >= look.monotonic_s or clock.now().timestamp() >= look.clock_s

    def _back_off(self, entity: str) -> None:
        earlier, clock = self._next_look.get(entity), self._gateway.clock
        wait_s = earlier.wait_s if earlier else self._interval_s
        self._next_look[entity] = _Look(
            clock.monotonic() + wait_s,
            clock.now().timestamp() + wait_s,
            min(wait_s * _BACKOFF_FACTOR, self._interval_s * _BACKOFF_INTERVALS_MAX),
        )


async def _resume(run: Run, subject: Subject) -> Subject:
    if isinstance(subject, Refund):
        return await resume_refund(run, await run.take_over(subject))
    if isinstance(subject, Dispute):
        return await resume_dispute(run, await run.take_over(subject))
    payment = await run.take_over(subject)
    pending = payment.pending
    if pending is None:
        return payment
    resume = resume_authorization if pending.attempt.operation == "authorize" else resume_operation
    return await resume(run, payment)
