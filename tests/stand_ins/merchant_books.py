"""A merchant's captures, refunds and disputes, decided at once on books in memory, at any time and in any currency."""

import itertools
from typing import Any

from payrail.gateway.domain import disputes, operations, payments, refunds
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved, Declined
from payrail.ledger.entry import Actor, Claim
from payrail.ledger.payment_events import Decline, PaymentCreated
from payrail.ledger.state import Committed
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import METHOD
from stand_ins.routing import ROUTER

DAY = "2025-01-01"
NOON = f"{DAY}T12:00:00.000Z"


class MerchantBooks:
    """Each method is a whole step, provider's answer included; `at` is when it happens."""

    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self._ids = itertools.count(1)

    def capture(
        self,
        *amounts: int,
        currency: str = "USD",
        merchant: str = "m_demo",
        at: str = NOON,
        provider_fee: int = 59,
        metadata: dict[str, str] | None = None,
    ) -> str:
        """A payment of the sum, captured part by part."""
        payment_id, now = self.id("pay"), _origin(at)
        data = PaymentCreated(
            merchant, sum(amounts), currency, "manual", "US", METHOD, metadata=metadata or {}
        )
        self.do("payments", payments.create_payment(payment_id, data, self._claim(merchant), now))
        begin = payments.begin_authorization(
            payment_id, self._claim(merchant), self._reserved(), now, router=ROUTER
        )
        self.do("payments", begin)
        approved = Approved(self.id("pi"))
        self.do(
            "payments",
            payments.record_authorization(
                payment_id, self._open(payment_id), approved, None, now, expires_at="2030-01-01", go_on=False
            ),
        )
        for amount in amounts:
            begin_capture = operations.begin_capture(
                payment_id, amount, self._claim(merchant), self._reserved(), now, final=False
            )
            self.do("payments", begin_capture)
            captured = Approved(self.id("ch"), provider_fee)
            self.do(
                "payments", operations.record_operation(payment_id, self._open(payment_id), captured, now)
            )
        return payment_id

    def refund(
        self, payment_id: str, amount: int | None = None, *, at: str = NOON, succeeds: bool = True
    ) -> str:
        """A refund that is requested, approved and executed."""
        refund_id, now, merchant = self.id("ref"), _origin(at), self.merchant(payment_id)
        request = refunds.request_refund(
            refund_id, payment_id, amount, "returned", self._claim(merchant), _origin(at, "olga")
        )
        self.do("refunds", request)
        self.do("refunds", refunds.approve_refund(refund_id, self._claim(merchant), self._reserved(), now))
        attempt = self._open(refund_id)
        answer = Approved(self.id("re")) if succeeds else Declined(Decline("failed", "No."))
        self.do("refunds", refunds.record_refund_outcome(refund_id, attempt, answer, now))
        return refund_id

    def fail_late(self, refund_id: str, *, at: str = NOON) -> None:
        """The provider takes a success back."""
        attempt = self.journal.state.refunds[refund_id].attempts[-1].id
        failed = Declined(Decline("failed", "The account is closed."))
        self.do("refunds", refunds.record_refund_outcome(refund_id, attempt, failed, _origin(at)))

    def dispute(
        self, payment_id: str, amount: int | None = None, *, at: str = NOON, provider_fee: int = 1_500
    ) -> str:
        """A dispute that the provider confirmed."""
        dispute_id, now, merchant = self.id("dsp"), _origin(at), self.merchant(payment_id)
        opening = disputes.open_dispute(
            dispute_id, payment_id, amount, "fraudulent", self._claim(merchant), self._reserved(), now
        )
        self.do("disputes", opening)
        self._disputed(dispute_id, at, provider_fee)
        return dispute_id

    def resolve(self, dispute_id: str, outcome: Any, *, at: str = NOON) -> None:
        """Evidence, and the end of the dispute."""
        now, merchant = _origin(at), self.journal.state.disputes[dispute_id].merchant_id
        evidence = disputes.submit_evidence(
            dispute_id, "receipt", "signed", self._claim(merchant), self._reserved(), now
        )
        self.do("disputes", evidence)
        self._disputed(dispute_id, at)
        resolution = disputes.resolve_dispute(
            dispute_id, outcome, self._claim(merchant), self._reserved(), now
        )
        self.do("disputes", resolution)
        self._disputed(dispute_id, at)

    def do(self, book: Any, decide: Any) -> Committed:
        """Append what the decision says; it must say something."""
        committed = self.journal.append_now(book, decide)
        assert isinstance(committed, Committed), committed
        return committed

    def merchant(self, payment_id: str) -> str:
        return self.journal.state.payments[payment_id].merchant_id

    def id(self, prefix: str) -> str:
        """An id of the form that the contract has."""
        return f"{prefix}_01JD{next(self._ids):A>22}"

    def _disputed(self, dispute_id: str, at: str, provider_fee: int = 0) -> None:
        approved = Approved(self.id("dp"), provider_fee)
        outcome = disputes.record_dispute_outcome(
            dispute_id, self._open(dispute_id), approved, _origin(at), respond_by="2030-01-01T00:00:00.000Z"
        )
        self.do("disputes", outcome)

    def _open(self, entity: str) -> str:
        pending = self.journal.state.subject(entity).pending
        assert pending is not None
        return pending.attempt.id

    def _claim(self, merchant: str) -> Claim:
        return Claim(merchant, "POST /x", self.id("key"), "f" * 64)

    def _reserved(self) -> Reserved:
        return Reserved(self.id("att"), "process-1")


def _origin(at: str, user: str = "anna") -> Origin:
    return Origin(Actor(user, "approver"), "cor-1", at)
