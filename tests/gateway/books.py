"""The ledger in memory: decisions run against it as the journal runs them, without files."""

import itertools
from typing import Any

from payrail.gateway.domain import operations, payments
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved
from payrail.ledger.entry import GENESIS, Actor, Claim, Draft, Entry, seal
from payrail.ledger.payment_events import PaymentCreated, PaymentMethod
from payrail.ledger.state import Committed, LedgerState
from stand_ins.routing import ROUTER

MERCHANT = "m_demo"
METHOD = PaymentMethod("tok_1", "visa", "424242", "4242", 12, 2039, "fp_1")


class Books:
    """Entries, and the state they fold to."""

    def __init__(self) -> None:
        self.state = LedgerState()
        self.entries: list[Entry] = []
        self._ids = itertools.count(1)

    def do(self, decision: Any) -> Any:
        """Run a decision and append what it says; what it raises leaves the books as they were."""
        verdict = decision(self.state)
        if not isinstance(verdict, Draft):
            return verdict
        prev = self.entries[-1].hash if self.entries else GENESIS
        seq = len(self.entries) + 1
        entry, _line = seal(verdict, seq=seq, entry_id=f"le_{seq}", prev=prev)
        committed = self.state.stage(entry)
        self.state.publish()
        self.entries.append(entry)
        return committed

    def id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids)}"

    def claim(self, operation: str = "POST /x") -> Claim:
        return Claim(MERCHANT, operation, self.id("key"), "f")

    def reserved(self) -> Reserved:
        return Reserved(self.id("att"), "owner")

    def captured_payment(self, amount: int, captured: int | None = None) -> str:
        """A payment that is authorized for `amount` and captured for `captured`, all if none."""
        payment_id, now = self.id("pay"), origin("olga")
        data = PaymentCreated(MERCHANT, amount, "USD", "manual", "US", METHOD)
        self.do(payments.create_payment(payment_id, data, self.claim(), now))
        self.do(payments.begin_authorization(payment_id, self.claim(), self.reserved(), now, router=ROUTER))
        attempt = self.pending(payment_id)
        self.do(
            payments.record_authorization(
                payment_id, attempt, Approved("pi_1"), None, now, expires_at="2025-01-08", go_on=False
            )
        )
        self.capture(payment_id, captured)
        return payment_id

    def capture(self, payment_id: str, amount: int | None = None) -> None:
        now = origin("olga")
        begin = operations.begin_capture(payment_id, amount, self.claim(), self.reserved(), now, final=False)
        self.do(begin)
        self.do(operations.record_operation(payment_id, self.pending(payment_id), Approved("ch_1", 3), now))

    def pending(self, entity: str) -> str:
        """The id of the open attempt."""
        pending = self.state.subject(entity).pending
        assert pending is not None
        return pending.attempt.id

    def folded_anew(self) -> LedgerState:
        """The state that a restart would have."""
        state = LedgerState()
        for entry in self.entries:
            committed = state.stage(entry)
            assert isinstance(committed, Committed)
            state.publish()
        return state


def origin(user: str) -> Origin:
    return Origin(Actor(user, "approver"), "cor-1", "2025-01-01T00:00:00.000Z")
