"""A run: one attempt to bring an open operation to its end, for a caller that waits or in the background."""

from contextlib import ExitStack

from msgspec import Struct

from payrail.gateway.domain import payments
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.ports import CardDetails
from payrail.ledger.entry import Actor
from payrail.ledger.payment import Payment
from payrail.ledger.state import Committed


class Run(Struct):
    """For whom the work is done, and with which card if a caller waits for an authorization.

    `leases` holds the attempts this run works on; it is closed when the run ends, however it ends. `outcome` is the
    entry by which this run answered the idempotency key, once it has.
    """

    gateway: Gateway
    actor: Actor
    correlation_id: str
    leases: ExitStack
    card: CardDetails | None = None
    cvc: str | None = None
    outcome: Committed | None = None

    @property
    def caller_waits(self) -> bool:
        return self.card is not None

    def origin(self) -> payments.Origin:
        return self.gateway.origin(self.actor, self.correlation_id)

    def reserve(self) -> payments.Reserved:
        """An attempt id whose lease this run holds before anybody can read of it."""
        reserved = self.gateway.reserve()
        self.leases.enter_context(self.gateway.leases.hold(reserved.attempt_id))
        self.leases.callback(self.gateway.breakers.forget, reserved.attempt_id)
        return reserved

    async def decide(self, decision: payments.Continue) -> Payment:
        """Append what `decision` says; the payment after it."""
        result = await self.gateway.journal.append("payments", decision)
        if not isinstance(result, Committed):
            return result
        if result.entry.idempotency is not None and result.entry.idempotency.status == "finished":
            self.outcome = result
        return result.payment

    async def take_over(self, payment: Payment) -> Payment:
        """Make this process the owner of the open attempt, whose lease this run holds."""
        if payment.pending is None:
            return payment
        attempt_id = payment.pending.attempt.id
        decision = payments.take_over(payment.id, attempt_id, self.gateway.owner, self.origin())
        return await self.decide(decision)
