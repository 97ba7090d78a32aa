"""The ledger's state: all folds together, in two layers.

Entries that are decided but not durable yet are *staged*: later decisions of the same batch see them, readers do not.
`publish` makes them visible once they are on disk, `discard` forgets them when the disk refused. States are immutable,
so both are a matter of a few dictionaries.

An entry of a refund or dispute changes its payment, too: both are folded, staged and published together. What the
ledger jobs enter (settlements, payouts, …) changes no payment.
"""

from array import array
from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct

from payrail.ledger import accounts
from payrail.ledger.balances import Balances
from payrail.ledger.claims import HeldClaim, Scope, evolve_claim
from payrail.ledger.dispute import Dispute, evolve_dispute
from payrail.ledger.entry import Book, Entry
from payrail.ledger.movement import movement_of
from payrail.ledger.payment import Payment
from payrail.ledger.payment_fold import evolve
from payrail.ledger.payment_returns import with_dispute, with_refund
from payrail.ledger.postings import Posting, signed
from payrail.ledger.refund import Refund, evolve_refund
from payrail.ledger.settlement import BankBooking, JobRecord, Payout, evolve_record
from payrail.ledger.settlement_events import SETTLEMENT_EVENTS
from payrail.ledger.timeline import Timeline
from payrail.ledger.totals import Totals, change_state

#: What an operation is about: the thing whose entry claims and answers its idempotency key.
Subject = Payment | Refund | Dispute
S = TypeVar("S", Payment, Refund, Dispute)


class Committed(Struct, frozen=True):
    """An entry, and what it is about as it was right after it.

    That is a payment, with the refund or dispute of it, or a record of the ledger jobs, which has no payment.
    """

    entry: Entry
    payment: Payment | None
    refund: Refund | None = None
    dispute: Dispute | None = None
    record: JobRecord | None = None

    @property
    def about(self) -> Subject | JobRecord:
        """What the entry is about."""
        return self.record or self.subject

    @property
    def subject(self) -> Subject:
        """What the entry of an operation is about. Raises `LookupError` for a record of the ledger jobs."""
        subject = self.refund or self.dispute or self.payment
        if subject is None:
            raise LookupError(f"{self.entry.entity} is of no payment")
        return subject


class OutOfOrder(ValueError):
    """An entry's version is not the next one of its entity."""

    code = "version_gap"


class OrphanEntry(ValueError):
    """An entry is about a payment that the ledger does not have."""

    code = "orphan_entry"


class Day:
    """The newest movement of a UTC day, by its sequence number: of each merchant, and at each provider."""

    __slots__ = ("newest_of_merchant", "newest_of_provider")

    def __init__(self) -> None:
        self.newest_of_merchant: dict[str, int] = {}
        self.newest_of_provider: dict[str, int] = {}


class PaidOutTooMuch(ValueError):
    """A payout takes more than is available to its merchant; such an entry is never written."""

    code = "paid_out_too_much"


class LedgerState:
    """What readers see (`payments`, `refunds`, `claims`, …) and what deciders see (`latest_payment`, …).

    `claims_changed` collects the keys that changed; whoever follows them takes them out.
    """

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        #: What the ledger jobs entered, by id.
        self.records: dict[str, JobRecord] = {}
        #: The payouts that are created and not paid yet.
        self.open_payouts: dict[str, None] = {}
        #: The movements of each UTC day.
        self.days: dict[str, Day] = {}
        self.claims: dict[Scope, HeldClaim] = {}
        self.claims_changed: set[Scope] = set()
        self.payments_of: dict[str, list[str]] = {}
        self.refunds_of: dict[str, list[str]] = {}
        self.disputes_of: dict[str, list[str]] = {}
        self.returns_of_payment: dict[str, list[str]] = {}
        self.disputes_by_reference: dict[str, str] = {}
        #: What each attempt is of, by the reference that its provider knows it by.
        self.attempts: dict[str, str] = {}
        self.open_payments: dict[str, None] = {}
        #: The payments with something left to capture, in the order of their authorization.
        self.holding: dict[str, None] = {}
        self.open_refunds: dict[str, None] = {}
        self.open_disputes: dict[str, None] = {}
        self.unanswered_disputes: dict[str, None] = {}
        #: The sequence numbers of each merchant's entries.
        self.seqs_of: dict[str, array[int]] = {}
        self.balances_of: dict[str, Balances] = {}
        self.totals_of: dict[str, Totals] = {}
        self.balances = Balances()
        self.timeline = Timeline()
        self._staged_payments: dict[str, Payment] = {}
        self._staged_refunds: dict[str, Refund] = {}
        self._staged_disputes: dict[str, Dispute] = {}
        self._staged_records: dict[str, JobRecord] = {}
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

    def latest_dispute(self, dispute_id: str) -> Dispute | None:
        """The dispute including what is decided but not durable."""
        staged = self._staged_disputes.get(dispute_id)
        return staged if staged is not None else self.disputes.get(dispute_id)

    def latest_dispute_of(self, reference: str) -> Dispute | None:
        """The dispute that a provider knows by this reference, including what is decided but not durable."""
        for dispute in self._staged_disputes.values():
            if dispute.reference == reference:
                return dispute
        return self.disputes.get(self.disputes_by_reference.get(reference, ""))

    def latest_record(self, record_id: str) -> JobRecord | None:
        """What the ledger jobs entered under this id, including what is decided but not durable."""
        return self._staged_records.get(record_id) or self.records.get(record_id)

    def latest_available(self, merchant_id: str, currency: str) -> int:
        """What the merchant can be paid out, below zero where it owes, including what is decided but not durable."""
        account = accounts.merchant_available(merchant_id)
        staged = sum(
            signed(posting)
            for posting in self._staged_postings()
            if posting.account == account and posting.currency == currency
        )
        return -(self.balances.of(account, currency) + staged)

    def latest_claim(self, scope: Scope) -> HeldClaim | None:
        """The idempotency key including what is decided but not durable."""
        if scope in self._staged_claims:
            return self._staged_claims[scope]
        return self.claims.get(scope)

    def latest(self, entity: str) -> Subject | None:
        """The payment, refund or dispute with this id, including what is decided but not durable."""
        return self.latest_payment(entity) or self.latest_refund(entity) or self.latest_dispute(entity)

    def subject(self, entity: str) -> Subject:
        """The payment, refund or dispute with this id, as readers see it. Raises `KeyError`."""
        return self.payments.get(entity) or self.refunds.get(entity) or self.disputes[entity]

    def payment_of(self, entity: str) -> str | None:
        """The payment that the entity is, or is of; none for a record of the ledger jobs. Raises `KeyError`."""
        if entity in self.records:
            return None
        subject = self.subject(entity)
        return subject.id if isinstance(subject, Payment) else subject.payment_id

    def merchant_of(self, entity: str) -> str | None:
        """Whose the entity is; none for a booking of the bank. Raises `KeyError`."""
        record = self.records.get(entity)
        if record is None:
            return self.subject(entity).merchant_id
        return None if isinstance(record, BankBooking) else record.merchant_id

    def entities_of(self, payment_id: str) -> list[str]:
        """The payment and all whose entries change it: itself, its refunds and its disputes."""
        return [payment_id, *self.returns_of_payment.get(payment_id, [])]

    def stage(self, entry: Entry) -> Committed:
        """Fold a decided entry. Raises what the folds raise; the state is then as before."""
        if entry.type in SETTLEMENT_EVENTS:
            return self._stage_record(entry)
        committed = self._fold(entry)
        if entry.idempotency is not None:
            scope = entry.idempotency.scope
            self._staged_claims[scope] = evolve_claim(self.latest_claim(scope), entry, entry.idempotency)
        if committed.payment is not None:
            self._staged_payments[committed.payment.id] = committed.payment
        if committed.refund is not None:
            self._staged_refunds[entry.entity] = committed.refund
        if committed.dispute is not None:
            self._staged_disputes[entry.entity] = committed.dispute
        pending = committed.subject.pending
        if pending is not None:
            # Not staged: the id of an attempt that was never written leads to a thing that has no such attempt.
            self.attempts[pending.attempt.id] = entry.entity
            if pending.reversal is not None:
                self.attempts[pending.reversal.id] = entry.entity
        self._staged.append(entry)
        return committed

    def publish(self) -> None:
        """The staged entries are durable: show them to readers.

        Readers may look meanwhile, from another thread: things come before the lists and keys that lead to them.
        """
        self._count_changes()
        self.disputes.update(self._staged_disputes)
        self.refunds.update(self._staged_refunds)
        self.payments.update(self._staged_payments)
        self.records.update(self._staged_records)
        for entry in self._staged:
            self._enter(entry)
        for payment in self._staged_payments.values():
            _note_open(self.open_payments, payment)
            _note(self.holding, payment.id, holds=payment.amount_capturable > 0)
        for refund in self._staged_refunds.values():
            _note_open(self.open_refunds, refund)
        for dispute in self._staged_disputes.values():
            _note_open(self.open_disputes, dispute)
            _note(self.unanswered_disputes, dispute.id, holds=dispute.state == "NEEDS_RESPONSE")
        for record_id, record in self._staged_records.items():
            open_payout = isinstance(record, Payout) and record.state == "CREATED"
            _note(self.open_payouts, record_id, holds=open_payout)
        self.claims_changed.update(self._staged_claims)
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
        self._staged_disputes.clear()
        self._staged_records.clear()
        self._staged_claims.clear()

    def _fold(self, entry: Entry) -> Committed:
        if entry.type.startswith("refund."):
            before = self.latest_refund(entry.entity)
            _require_next(before, entry)
            refund = evolve_refund(before, entry)
            return Committed(entry, with_refund(self._payment_of(refund), before, refund, entry), refund)
        if entry.type.startswith("dispute."):
            former = self.latest_dispute(entry.entity)
            _require_next(former, entry)
            dispute = evolve_dispute(former, entry)
            payment = with_dispute(self._payment_of(dispute), former, dispute, entry)
            return Committed(entry, payment, dispute=dispute)
        known = self.latest_payment(entry.entity)
        _require_next(known, entry)
        return Committed(entry, evolve(known, entry))

    def _stage_record(self, entry: Entry) -> Committed:
        before = self.latest_record(entry.entity)
        _require_next(before, entry)
        record = evolve_record(before, entry)
        if isinstance(record, Payout) and record.state == "CREATED":
            available = self.latest_available(record.merchant_id, record.currency)
            if record.amount > available:
                raise PaidOutTooMuch(f"{record.id} pays out {record.amount}, {available} is available")
        self._staged_records[entry.entity] = record
        self._staged.append(entry)
        return Committed(entry, None, record=record)

    def _staged_postings(self) -> Iterator[Posting]:
        for entry in self._staged:
            yield from entry.postings

    def _payment_of(self, subject: Refund | Dispute) -> Payment:
        payment = self.latest_payment(subject.payment_id)
        if payment is None or payment.merchant_id != subject.merchant_id:
            raise OrphanEntry(f"{subject.id} names a payment that {subject.merchant_id} does not have")
        return payment

    def _enter(self, entry: Entry) -> None:
        if entry.version == 1:
            self._index(entry)
        if entry.postings:
            self.balances.post(entry.postings)
        self._note_owner(entry)
        self.timeline.add(entry.seq, entry.at)

    def _note_owner(self, entry: Entry) -> None:
        merchant_id = self.merchant_of(entry.entity)
        if merchant_id is None:
            return
        seqs = self.seqs_of.get(merchant_id)
        if seqs is None:
            seqs = self.seqs_of[merchant_id] = array("Q")
        seqs.append(entry.seq)
        if entry.postings:
            self.balances_of.setdefault(merchant_id, Balances()).post(entry.postings)
            if movement := movement_of(entry):
                day = self.days.setdefault(entry.at[:10], Day())
                day.newest_of_merchant[merchant_id] = entry.seq
                day.newest_of_provider[movement.provider] = entry.seq

    def _count_changes(self) -> None:
        """Take what is staged into the merchants' totals, while what is published is still what was before it."""
        for payment in self._staged_payments.values():
            totals = self.totals_of.get(payment.merchant_id)
            if totals is None:
                totals = self.totals_of[payment.merchant_id] = Totals()
            totals.change_payment(self.payments.get(payment.id), payment)
        for refund in self._staged_refunds.values():
            known = self.refunds.get(refund.id)
            change_state(
                self.totals_of[refund.merchant_id].refunds, known.state if known else None, refund.state
            )
        for dispute in self._staged_disputes.values():
            former = self.disputes.get(dispute.id)
            counts = self.totals_of[dispute.merchant_id].disputes
            change_state(counts, former.state if former else None, dispute.state)

    def _index(self, entry: Entry) -> None:
        """Remember what is new by its merchant, and a refund or dispute by its payment."""
        if dispute := self._staged_disputes.get(entry.entity):
            self.disputes_of.setdefault(dispute.merchant_id, []).append(dispute.id)
            self.returns_of_payment.setdefault(dispute.payment_id, []).append(dispute.id)
            self.disputes_by_reference[dispute.reference] = dispute.id
        elif entry.entity in self._staged_records:
            return
        elif refund := self._staged_refunds.get(entry.entity):
            self.refunds_of.setdefault(refund.merchant_id, []).append(refund.id)
            self.returns_of_payment.setdefault(refund.payment_id, []).append(refund.id)
        else:
            payment = self._staged_payments[entry.entity]
            self.payments_of.setdefault(payment.merchant_id, []).append(payment.id)


_BOOKS: dict[type[Subject], Book] = {Payment: "payments", Refund: "refunds", Dispute: "disputes"}


def book_of(subject: Subject) -> Book:
    """The book that holds the entries of a payment, refund or dispute."""
    return _BOOKS[type(subject)]


def _require_next(before: Subject | JobRecord | None, entry: Entry) -> None:
    version = (before.version if before else 0) + 1
    if entry.version != version:
        raise OutOfOrder(f"{entry.entity} expects version {version}")


def _note_open(open_ids: dict[str, None], subject: Subject) -> None:
    _note(open_ids, subject.id, holds=subject.pending is not None)


def _note(ids: dict[str, None], entity: str, *, holds: bool) -> None:
    if holds:
        ids[entity] = None
    else:
        ids.pop(entity, None)
