"""Makers of payments: the decisions of the domain with everything that does not matter filled in."""

from typing import Any

from msgspec.structs import replace

from payrail.gateway.domain import operations, payments
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Answer, Approved
from payrail.gateway.domain.ownership import take_over
from payrail.ledger.entry import Actor, Book, Claim, Draft
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import PaymentCreated, PaymentMethod
from payrail.ledger.state import Committed, LedgerState
from stand_ins.memory_journal import MemoryJournal
from stand_ins.routing import ROUTER

MERCHANT = "m_demo"
AT = "2025-01-01T00:00:00.000Z"
LATER = "2025-01-08T00:00:00.000Z"
ORIGIN = Origin(Actor("key_demo", "operator"), "cor-1", AT)
METHOD = PaymentMethod("tok_1", "visa", "424242", "4242", 12, 2030, "fp_1")


def pay(number: int) -> str:
    """The id of the payment with this number."""
    return f"pay_01JD{number:A>22}"


def att(number: int) -> str:
    """The id of the attempt with this number."""
    return f"att_01JD{number:A>22}"


def terms(
    amount: int = 1000, currency: str = "USD", merchant_id: str = MERCHANT, **more: Any
) -> PaymentCreated:
    """The first entry's data."""
    chosen = {"capture_method": "manual", "country": "US", "payment_method": METHOD, **more}
    return PaymentCreated(merchant_id=merchant_id, amount=amount, currency=currency, **chosen)


def claim(operation: str, key: str, fingerprint: str = "f" * 64, merchant_id: str = MERCHANT) -> Claim:
    """A claim on a key."""
    return Claim(merchant_id, operation, key, fingerprint)


def created(payment_id: str, key: str | None = None, data: PaymentCreated | None = None) -> payments.Begin:
    """The decision that makes a payment, under a key that is its id if none is given."""
    return payments.create_payment(
        payment_id, data or terms(), claim("POST /payments", key or payment_id), ORIGIN
    )


def in_book(book: Book, decide: payments.Begin) -> payments.Begin:
    """The same decision, with its entry in another book: the books differ in nothing but their file."""

    def decide_for_book(state: LedgerState) -> Any:
        verdict = decide(state)
        return replace(verdict, book=book) if isinstance(verdict, Draft) else verdict

    return decide_for_book


class Desk:
    """Does operations on a `MemoryJournal` at once; each step takes the next attempt id and key."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.steps = 0

    def payment(self, payment_id: str) -> Payment:
        return self.journal.state.payments[payment_id]

    def create(self, payment_id: str, **given: Any) -> Payment:
        return self._done(created(payment_id, data=terms(**given)))

    def begin_authorization(self, payment_id: str) -> Payment:
        return self._done(
            payments.begin_authorization(
                payment_id, self._claim(payment_id, "authorize"), self.reserve(), ORIGIN, router=ROUTER
            )
        )

    def begin_capture(self, payment_id: str, amount: int | None, *, final: bool = False) -> Payment:
        return self._done(
            operations.begin_capture(
                payment_id, amount, self._claim(payment_id, "capture"), self.reserve(), ORIGIN, final=final
            )
        )

    def begin_cancel(self, payment_id: str) -> Payment:
        return self._done(
            operations.begin_cancel(payment_id, self._claim(payment_id, "cancel"), self.reserve(), ORIGIN)
        )

    def begin_expiry(self, payment_id: str, at: str = LATER) -> Payment:
        origin = replace(ORIGIN, at=at)
        return self._done(operations.begin_expiry(payment_id, self.reserve(), origin))

    def record_authorization(self, payment_id: str, answer: Answer, *, go_on: bool = True) -> Payment:
        decide = payments.record_authorization(
            payment_id,
            self.open_attempt(payment_id),
            answer,
            self.reserve(),
            ORIGIN,
            expires_at=LATER,
            go_on=go_on,
        )
        return self._done(decide)

    def record_operation(self, payment_id: str, answer: Answer) -> Payment:
        return self._done(
            operations.record_operation(payment_id, self.open_attempt(payment_id), answer, ORIGIN)
        )

    def start_reversal(self, payment_id: str) -> Payment:
        return self._done(
            payments.start_reversal(payment_id, self.open_attempt(payment_id), self.reserve(), ORIGIN)
        )

    def record_reversal(self, payment_id: str, *, go_on: bool = True) -> Payment:
        pending = self.payment(payment_id).pending
        reversal_id = pending.reversal.id if pending and pending.reversal else "att_none"
        return self._done(
            payments.record_reversal(payment_id, reversal_id, 1, self.reserve(), ORIGIN, go_on=go_on)
        )

    def take_over(self, payment_id: str, owner: str) -> Payment:
        attempt_id = self.open_attempt(payment_id)
        return self._done(lambda state: take_over(state, payment_id, attempt_id, owner, ORIGIN))

    def open_attempt(self, payment_id: str) -> str:
        pending = self.payment(payment_id).pending
        return pending.attempt.id if pending else "att_none"

    def reserve(self) -> Reserved:
        self.steps += 1
        return Reserved(att(self.steps), "process-1")

    def authorized(self, payment_id: str, **given: Any) -> Payment:
        self.create(payment_id, **given)
        self.begin_authorization(payment_id)
        return self.record_authorization(payment_id, Approved("pi_1"))

    def captured(self, payment_id: str, **given: Any) -> Payment:
        self.authorized(payment_id, **given)
        self.begin_capture(payment_id, None)
        return self.record_operation(payment_id, Approved("ch_1", provider_fee=59))

    def _claim(self, payment_id: str, operation: str) -> Claim:
        return claim(f"POST /payments/{payment_id}/{operation}", f"key-{self.steps}")

    def _done(self, decide: Any) -> Payment:
        result = self.journal.append_now("payments", decide)
        if isinstance(result, Committed):
            assert result.payment is not None
            return result.payment
        assert isinstance(result, Payment), result
        return result
