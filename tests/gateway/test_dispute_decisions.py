"""Dispute decisions on random walks beside refunds, and what becomes of disputes that the provider opens."""

from collections.abc import Callable
from typing import Any

import pytest
from books import Books, origin
from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.gateway.domain import disputes, refunds
from payrail.gateway.domain.disputes import ProviderDispute
from payrail.gateway.domain.errors import (
    AmountExceedsRefundable,
    DisputeOpen,
    OperationInProgress,
    PaymentNotFound,
)
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotProcessed, Unknown
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment_events import Decline
from payrail.ledger.transitions import InvalidTransition

CAPTURED = 10_000
DEADLINE = "2025-01-08T00:00:00.000Z"
FEE = 1_500
ALLOWED = {
    ("OPENING", "NEEDS_RESPONSE"),
    ("OPENING", "NOT_OPENED"),
    ("NEEDS_RESPONSE", "UNDER_REVIEW"),
    ("NEEDS_RESPONSE", "LOST"),
    ("UNDER_REVIEW", "WON"),
    ("UNDER_REVIEW", "LOST"),
}
OUTCOMES: list[Answer] = [
    Approved("dp_1", 900),
    Declined(Decline("generic_decline", "No.")),
    NotProcessed("connection_failed"),
    Unknown("timeout"),
]

opened = st.tuples(st.just("open"), st.integers(1, 6_000), st.none())
provider_opened = st.tuples(st.just("notice"), st.integers(0, 3), st.integers(1, 6_000))
evidence = st.tuples(st.just("evidence"), st.integers(0, 5), st.none())
resolutions = st.tuples(st.just("resolve"), st.integers(0, 5), st.sampled_from(["WON", "LOST"]))
outcomes = st.tuples(st.just("outcome"), st.integers(0, 5), st.sampled_from(OUTCOMES))
refunded = st.tuples(st.just("refund"), st.integers(1, 6_000), st.none())


class Walk:
    """One payment, its disputes and its refunds."""

    def __init__(self) -> None:
        self.books = Books()
        self.payment_id = self.books.captured_payment(CAPTURED)
        self.dispute_ids: list[str] = []

    def step(self, command: str, number: int, detail: Any) -> None:
        books, now = self.books, origin("olga")
        if command == "refund":
            self._refund(number)
        elif command in ("open", "notice"):
            dispute_id = books.id("dsp")
            if command == "open":
                decision: Callable[..., Any] = disputes.open_dispute(
                    dispute_id, self.payment_id, number, "fraudulent", books.claim(), books.reserved(), now
                )
            else:
                notice = ProviderDispute(
                    self.payment_id, f"att_own_{number}", "dp_9", detail, "fraudulent", 900
                )
                decision = disputes.open_provider_dispute(dispute_id, notice, now, respond_by=DEADLINE)
            if not isinstance(books.do(decision), Dispute):
                self.dispute_ids.append(dispute_id)
        elif self.dispute_ids:
            books.do(self._decision(command, self.dispute_ids[number % len(self.dispute_ids)], detail))

    def _refund(self, amount: int) -> None:
        books, refund_id = self.books, self.books.id("ref")
        books.do(
            refunds.request_refund(refund_id, self.payment_id, amount, "x", books.claim(), origin("olga"))
        )
        try:
            books.do(refunds.approve_refund(refund_id, books.claim(), books.reserved(), origin("anna")))
        except (DisputeOpen, AmountExceedsRefundable):
            books.do(refunds.reject_refund(refund_id, books.claim(), origin("anna")))
            return
        books.do(
            refunds.record_refund_outcome(
                refund_id, books.pending(refund_id), Approved("re_1"), origin("answer")
            )
        )

    def _decision(self, command: str, dispute_id: str, detail: Any) -> Callable[..., Any]:
        books, now = self.books, origin("olga")
        claim, reserved = books.claim(f"POST /disputes/{dispute_id}/{command}"), books.reserved()
        if command == "evidence":
            return disputes.submit_evidence(dispute_id, "receipt", "x", claim, reserved, now)
        if command == "resolve":
            return disputes.resolve_dispute(dispute_id, detail, claim, reserved, now)
        pending = books.state.disputes[dispute_id].pending
        attempt_id = pending.attempt.id if pending else "att_none"
        return disputes.record_dispute_outcome(
            dispute_id, attempt_id, detail, origin("answer"), respond_by=DEADLINE
        )

    def states(self) -> dict[str, str]:
        return {dispute_id: self.books.state.disputes[dispute_id].state for dispute_id in self.dispute_ids}


@settings(max_examples=150)
@given(st.lists(st.one_of(opened, provider_opened, evidence, resolutions, outcomes, refunded), max_size=40))
def test_random_commands_never_leave_the_transition_map_and_the_money_adds_up(
    commands: list[tuple[str, Any, Any]],
) -> None:
    walk = Walk()
    for command in commands:
        before, entries = walk.states(), len(walk.books.entries)
        try:
            walk.step(*command)
        except InvalidTransition as refusal:
            _require_named_and_illegal(refusal)
            assert len(walk.books.entries) == entries
        except (AmountExceedsRefundable, OperationInProgress):
            assert len(walk.books.entries) == entries
        after = walk.states()
        assert {(before[key], after[key]) for key in before if before[key] != after[key]} <= ALLOWED
        _require_sound(walk)
    again = walk.books.folded_anew()
    assert again.payments == walk.books.state.payments
    assert again.disputes == walk.books.state.disputes
    assert again.claims == walk.books.state.claims


def _require_named_and_illegal(refusal: InvalidTransition) -> None:
    assert refusal.current in refusal.detail
    assert refusal.target in refusal.detail
    assert (refusal.current, refusal.target) not in ALLOWED


def _require_sound(walk: Walk) -> None:
    state, payment = walk.books.state, walk.books.state.payments[walk.payment_id]
    mine = [state.disputes[dispute_id] for dispute_id in walk.dispute_ids]
    booked = [d for d in mine if d.state not in ("OPENING", "NOT_OPENED")]
    taken = sum(d.amount for d in booked if d.state != "WON")
    opening = sum(d.amount for d in mine if d.state == "OPENING")
    refunded_amount = payment.amount_refunded
    left = CAPTURED - refunded_amount - taken - opening
    assert payment.amount_refundable == max(0, left)
    assert payment.open_disputes == sum(
        d.state in ("OPENING", "NEEDS_RESPONSE", "UNDER_REVIEW") for d in mine
    )
    assert state.balances.out_of_balance() == {}
    fees = FEE * len(booked)
    assert state.balances.of("merchant_available:m_demo", "USD") == taken + refunded_amount + fees
    assert state.balances.of("chargeback_fee_revenue", "USD") == -fees
    assert state.balances.of("chargeback_cost", "USD") == 900 * len(booked)
    assert set(state.unanswered_disputes) == {d.id for d in mine if d.state == "NEEDS_RESPONSE"}
    assert set(state.open_disputes) == {d.id for d in mine if d.pending is not None}


def notice(payment_id: str, amount: int = CAPTURED, reference: str = "att_provider") -> ProviderDispute:
    return ProviderDispute(payment_id, reference, "dp_1", amount, "fraudulent", 900)


def receive(books: Books, said: ProviderDispute) -> Any:
    decision = disputes.open_provider_dispute(books.id("dsp"), said, origin("p"), respond_by=DEADLINE)
    return books.do(decision)


def test_a_dispute_that_the_provider_opens_is_booked_above_what_is_left_and_blocks_the_refund() -> None:
    books = Books()
    payment_id = books.captured_payment(CAPTURED)
    refund_id = books.id("ref")
    books.do(refunds.request_refund(refund_id, payment_id, 4_000, "x", books.claim(), origin("olga")))
    dispute = receive(books, notice(payment_id)).dispute
    assert dispute.state == "NEEDS_RESPONSE"
    assert books.state.payments[payment_id].amount_refundable == 0
    approve = refunds.approve_refund(refund_id, books.claim(), books.reserved(), origin("anna"))
    with pytest.raises(DisputeOpen):
        books.do(approve)
    resolve = disputes.resolve_dispute(dispute.id, "LOST", books.claim(), books.reserved(), origin("olga"))
    books.do(resolve)
    attempt_id = books.pending(dispute.id)
    books.do(
        disputes.record_dispute_outcome(dispute.id, attempt_id, OUTCOMES[0], origin("a"), respond_by=DEADLINE)
    )
    with pytest.raises(AmountExceedsRefundable):  # It is lost, and all the money with it.
        books.do(approve)


def test_a_notice_that_comes_twice_books_once() -> None:
    books = Books()
    payment_id = books.captured_payment(CAPTURED)
    first = receive(books, notice(payment_id)).dispute
    count = len(books.entries)
    again = receive(books, notice(payment_id))
    assert isinstance(again, Dispute)
    assert again.id == first.id
    assert len(books.entries) == count


def test_a_notice_of_a_dispute_that_was_asked_for_is_its_outcome() -> None:
    books = Books()
    payment_id = books.captured_payment(CAPTURED)
    claim = books.claim()
    dispute_id = books.id("dsp")
    books.do(
        disputes.open_dispute(
            dispute_id, payment_id, 600, "fraudulent", claim, books.reserved(), origin("olga")
        )
    )
    attempt_id = books.pending(dispute_id)
    committed = receive(books, notice(payment_id, 600, attempt_id))
    assert committed.dispute.id == dispute_id
    assert committed.dispute.state == "NEEDS_RESPONSE"
    assert books.state.claims[claim.scope].answered_by == committed.entry.seq
    late = disputes.record_dispute_outcome(
        dispute_id, attempt_id, OUTCOMES[0], origin("a"), respond_by=DEADLINE
    )
    assert isinstance(books.do(late), Dispute)


def test_a_notice_of_an_unknown_payment_is_refused() -> None:
    with pytest.raises(PaymentNotFound):
        receive(Books(), notice("pay_none"))
