"""A run: one attempt to bring an open operation to its end, for a caller that waits or in the background."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

from msgspec import Struct

from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.ownership import take_over
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.ports import CardDetails
from payrail.ledger.entry import Actor, Draft
from payrail.ledger.state import Committed, LedgerState, S, book_of


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

    def origin(self) -> Origin:
        return self.gateway.origin(self.actor, self.correlation_id)

    def reserve(self) -> Reserved:
        """An attempt id whose lease this run holds before anybody can read of it."""
        reserved = self.gateway.reserve()
        self.leases.enter_context(self.gateway.leases.hold(reserved.attempt_id))
        self.leases.callback(self.gateway.breakers.forget, reserved.attempt_id)
        return reserved

    async def decide(self, subject: S, decision: Callable[[LedgerState], Draft | S]) -> S:
        """Append what `decision` says of `subject`; the payment or refund after it."""
        result = await self.gateway.journal.append(book_of(subject), decision)
        if not isinstance(result, Committed):
            return result
        if result.entry.idempotency is not None and result.entry.idempotency.status == "finished":
            self.outcome = result
        return cast("S", result.subject)

    async def take_over(self, subject: S) -> S:
        """Make this process the owner of the open attempt, whose lease this run holds."""
        if subject.pending is None:
            return subject
        attempt_id, owner, origin = subject.pending.attempt.id, self.gateway.owner, self.origin()

        def decision(state: LedgerState) -> Draft | S:
            return cast("Draft | S", take_over(state, subject.id, attempt_id, owner, origin))

        return await self.decide(subject, decision)
