"""The ledger's state: all folds together, in two layers.

Entries that are decided but not durable yet are *staged*: later decisions of the same batch see them, readers do not.
`publish` makes them visible once they are on disk, `discard` forgets them when the disk refused. States are immutable,
so both are a matter of a few dictionaries.

An entry of a refund changes its payment, too: both are folded by the same step, staged and published together.
"""

from typing import TypeVar

from msgspec import Struct

from payrail.ledger.balances import Balances
from payrail.ledger.claims import HeldClaim, Scope, evolve_claim
from payrail.ledger.entry import Book, Entry
from payrail.ledger.payment import Payment, evolve
from payrail.ledger.payment_returns import with_refund
from payrail.ledger.refund import Refund, evolve_refund

#: What an operation is about: the thing whose entry claims and answers its idempotency key.
Subject = Payment | Refund
S = TypeVar("S", Payment, Refund)


class Committed(Struct, frozen=True):
    """An entry, with its payment and, where it is a refund's, the refund, as they were right after it."""

    entry: Entry
    payment: Payment
    refund: Refund | None = None

    @property
    def subject(self) -> Subject:
        """What the entry is about."""
        return self.refund or self.payment


class OutOfOrder(ValueError):
    """An entry's version is not the next one of its entity."""

    code = "version_gap"


class OrphanEntry(ValueError):
    """An entry is about a payment that the ledger does not have."""

    code = "orphan_entry"


class LedgerState:
    """What readers see (`payments`, `refunds`, `claims`, …) and what deciders see (`latest_payment`, …)."""

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.claims: dict[Scope, HeldClaim] = {}
        self.payments_of: dict[str, list[str]] = {}
        self.refunds_of: dict[str, list[str]] = {}
        self.refunds_of_payment: dict[str, list[str]] = {}
        self.open_payments: dict[str, None] = {}
        self.open_refunds: dict[str, None] = {}
        self.balances = Balances()
        self._staged_payments: dict[str, Payment] = {}
        self._staged_refunds: dict[str, Refund] = {}
        self._staged_claims: dict[Scope, HeldClaim | None] = {}
        self._staged: list[Entry] = []

    def latest_payment(self, payment_id: str) -> Payment | None:
        """The payment including what is decided but not durable: for decisions under the journal's lock only."""
        staged = self._staged_payments.get(payment_id)
        return staged if staged is not None else self.payments.get(payment_id)

    def latest_refund(self, refund_id: str) -> Refund | None:
        """The refund including what is decided but not durable."""
        staged = self._staged_refunds.get(refund_id)
        return staged if staged is not None else self.refunds.get(refund_id)

    def latest_claim(self, scope: Scope) -> HeldClaim | None:
        """The idempotency key including what is decided but not durable."""
        if scope in self._staged_claims:
            return self._staged_claims[scope]
        return self.claims.get(scope)

    def latest(self, entity: str) -> Subject | None:
        """The payment or refund with this id, including what is decided but not durable."""
        return self.latest_payment(entity) or self.latest_refund(entity)

    def subject(self, entity: str) -> Subject:
        """The payment or refund with this id, as readers see it. Raises `KeyError`."""
        return self.payments.get(entity) or self.refunds[entity]

    def entities_of(self, payment_id: str) -> list[str]:
        """The payment and all whose entries change it: itself and its refunds."""
        return [payment_id, *self.refunds_of_payment.get(payment_id, [])]

    def stage(self, entry: Entry) -> Committed:
        """Fold a decided entry. Raises what the folds raise; the state is then as before."""
        committed = self._fold(entry)
        if entry.idempotency is not None:
            scope = entry.idempotency.scope
            self._staged_claims[scope] = evolve_claim(self.latest_claim(scope), entry, entry.idempotency)
        self._staged_payments[committed.payment.id] = committed.payment
        if committed.refund is not None:
            self._staged_refunds[entry.entity] = committed.refund
        self._staged.append(entry)
        return committed

    def publish(self) -> None:
        """The staged entries are durable: show them to readers."""
        for entry in self._staged:
            if entry.version == 1:
                self._index(entry)
            self.balances.post(entry.postings)
        for payment in self._staged_payments.values():
            _note_open(self.open_payments, payment)
        for refund in self._staged_refunds.values():
            _note_open(self.open_refunds, refund)
        self.payments.update(self._staged_payments)
        self.refunds.update(self._staged_refunds)
        for scope, held in self._staged_claims.items():
            if held is None:
                self.claims.pop(scope, None)
            else:
                self.claims[scope] = held
        self.discard()

    def discard(self) -> None:
        """Forget the staged entries: they were never written."""
        self._staged.clear()
        self._staged_payments.clear()
        self._staged_refunds.clear()
        self._staged_claims.clear()

    def _fold(self, entry: Entry) -> Committed:
        if entry.type.startswith("refund."):
            before = self.latest_refund(entry.entity)
            _require_next(before, entry)
            refund = evolve_refund(before, entry)
            return Committed(
                entry, with_refund(self._payment_of(refund, entry), before, refund, entry), refund
            )
        payment = self.latest_payment(entry.entity)
        _require_next(payment, entry)
        return Committed(entry, evolve(payment, entry))

    def _payment_of(self, refund: Refund, entry: Entry) -> Payment:
        payment = self.latest_payment(refund.payment_id)
        if payment is None or payment.merchant_id != refund.merchant_id:
            raise OrphanEntry(f"{entry.entity} names a payment that {refund.merchant_id} does not have")
        return payment

    def _index(self, entry: Entry) -> None:
        """Remember a new payment or refund by its merchant, and a refund by its payment."""
        if entry.type.startswith("refund."):
            refund = self._staged_refunds[entry.entity]
            self.refunds_of.setdefault(refund.merchant_id, []).append(refund.id)
            self.refunds_of_payment.setdefault(refund.payment_id, []).append(refund.id)
        else:
            payment = self._staged_payments[entry.entity]
            self.payments_of.setdefault(payment.merchant_id, []).append(payment.id)


def book_of(subject: Subject) -> Book:
    """The book that holds the entries of a payment or refund."""
    return "payments" if isinstance(subject, Payment) else "refunds"


def _require_next(before: Subject | None, entry: Entry) -> None:
    version = (before.version if before else 0) + 1
    if entry.version != version:
        raise OutOfOrder(f"{entry.entity} expects version {version}")


def _note_open(open_ids: dict[str, None], subject: Subject) -> None:
    if subject.pending is None:
        open_ids.pop(subject.id, None)
    else:
        open_ids[subject.id] = None
