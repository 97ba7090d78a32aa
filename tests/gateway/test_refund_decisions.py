"""Refund decisions on random walks: what the transition map forbids is refused, and the money always adds up."""

from collections.abc import Callable
from typing import Any

import pytest
from books import Books, origin
from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.gateway.domain import refunds
from payrail.gateway.domain.errors import (
    AmountExceedsAuthorized,
    AmountExceedsRefundable,
    MakerCheckerViolation,
    OperationInProgress,
)
from payrail.gateway.domain.outcomes import Accepted, Approved, Declined, NotProcessed, RefundAnswer, Unknown
from payrail.ledger.entry import seal
from payrail.ledger.payment_events import Decline
from payrail.ledger.refund import Refund
from payrail.ledger.transitions import InvalidTransition

CAPTURED = 10_000
ALLOWED = {
    ("PENDING_APPROVAL", "PROCESSING"),  # Approved and begun by one command.
    ("PENDING_APPROVAL", "REJECTED"),
    ("APPROVED", "PROCESSING"),
    ("PROCESSING", "APPROVED"),  # Surely not processed.
    ("PROCESSING", "SUCCEEDED"),
    ("PROCESSING", "FAILED"),
    ("SUCCEEDED", "FAILED"),
}
OUTCOMES: list[RefundAnswer] = [
    Approved("re_1"),
    Declined(Decline("refund_failed", "It failed.")),
    NotProcessed("connection_failed"),
    Unknown("timeout"),
    Accepted("re_1"),
]

requests = st.tuples(st.just("request"), st.integers(1, 6_000), st.none())
decisions = st.tuples(
    st.sampled_from(["approve", "reject"]), st.integers(0, 4), st.sampled_from(["olga", "anna", "adam"])
)
outcomes = st.tuples(st.just("outcome"), st.integers(0, 4), st.sampled_from(OUTCOMES))
captures = st.tuples(st.just("capture"), st.integers(1, 3_000), st.none())


class Walk:
    """One payment and its refunds."""

    def __init__(self) -> None:
        self.books = Books()
        self.payment_id = self.books.captured_payment(CAPTURED, 7_000)
        self.refund_ids: list[str] = []

    def step(self, command: str, number: Any, detail: Any) -> None:
        if command == "request":
            refund_id, claim = self.books.id("ref"), self.books.claim()
            self.books.do(
                refunds.request_refund(refund_id, self.payment_id, number, "x", claim, origin("olga"))
            )
            self.refund_ids.append(refund_id)
        elif command == "capture":
            self.books.capture(self.payment_id, number)
        elif self.refund_ids:
            refund_id = self.refund_ids[number % len(self.refund_ids)]
            self.books.do(self._decision(command, refund_id, detail))

    def _decision(self, command: str, refund_id: str, detail: Any) -> Callable[..., Any]:
        claim = self.books.claim(f"POST /refunds/{refund_id}/{command}")
        if command == "approve":
            return refunds.approve_refund(refund_id, claim, self.books.reserved(), origin(detail))
        if command == "reject":
            return refunds.reject_refund(refund_id, claim, origin(detail))
        attempts = self.books.state.refunds[refund_id].attempts
        attempt_id = attempts[-1].id if attempts else "att_none"
        return refunds.record_refund_outcome(refund_id, attempt_id, detail, origin("resolver"))

    def states(self) -> dict[str, str]:
        return {refund_id: self.books.state.refunds[refund_id].state for refund_id in self.refund_ids}


@settings(max_examples=150)
@given(st.lists(st.one_of(requests, decisions, outcomes, captures), max_size=40))
def test_random_commands_never_leave_the_transition_map_nor_return_more_than_was_captured(
    commands: list[tuple[str, Any, Any]],
) -> None:
    walk = Walk()
    for command in commands:
        before, entries = walk.states(), len(walk.books.entries)
        try:
            walk.step(*command)
        except InvalidTransition as refusal:
            _require_named_and_illegal(refusal)
        except (AmountExceedsAuthorized, AmountExceedsRefundable, MakerCheckerViolation, OperationInProgress):
            assert walk.states() == before
            assert len(walk.books.entries) == entries
        after = walk.states()
        changed = {(before[key], after[key]) for key in before if before[key] != after[key]}
        assert changed <= ALLOWED
        _require_sound(walk)
    _require_same_after_restart(walk)


def _require_named_and_illegal(refusal: InvalidTransition) -> None:
    assert refusal.current in refusal.detail
    assert refusal.target in refusal.detail
    assert (refusal.current, refusal.target) not in ALLOWED


def _require_sound(walk: Walk) -> None:
    state, payment = walk.books.state, walk.books.state.payments[walk.payment_id]
    mine = [state.refunds[refund_id] for refund_id in walk.refund_ids]
    succeeded = sum(refund.amount for refund in mine if refund.state == "SUCCEEDED")
    held = sum(r.amount for r in mine if r.state in ("PENDING_APPROVAL", "APPROVED", "PROCESSING"))
    assert succeeded + held <= payment.amount_captured
    assert payment.amount_refunded == succeeded
    assert payment.amount_refundable == payment.amount_captured - succeeded - held
    assert payment.state == _state_of(payment.amount_captured, succeeded)
    assert payment.revision == payment.version + sum(refund.version for refund in mine)
    assert state.balances.out_of_balance() == {}
    under_way = sum(refund.amount for refund in mine if refund.state == "PROCESSING")
    assert state.balances.of("refund_clearing", "USD") == -under_way
    assert state.balances.of("merchant_available:m_demo", "USD") == succeeded + under_way
    assert set(state.open_refunds) == {refund.id for refund in mine if refund.state == "PROCESSING"}


def _state_of(captured: int, refunded: int) -> str:
    if refunded:
        return "REFUNDED" if refunded == captured else "PARTIALLY_REFUNDED"
    return "CAPTURED" if captured == CAPTURED else "PARTIALLY_CAPTURED"


def _require_same_after_restart(walk: Walk) -> None:
    again = walk.books.folded_anew()
    assert again.payments == walk.books.state.payments
    assert again.refunds == walk.books.state.refunds
    assert again.claims == walk.books.state.claims
    assert again.balances.items() == walk.books.state.balances.items()


def processing(books: Books, amount: int = 1_000) -> tuple[str, str]:
    """A refund at the provider, and its attempt."""
    refund_id = books.id("ref")
    payment_id = books.captured_payment(CAPTURED)
    books.do(refunds.request_refund(refund_id, payment_id, amount, "x", books.claim(), origin("olga")))
    books.do(refunds.approve_refund(refund_id, books.claim(), books.reserved(), origin("anna")))
    return refund_id, books.pending(refund_id)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_that_comes_twice_is_written_once(outcome: RefundAnswer) -> None:
    books = Books()
    refund_id, attempt_id = processing(books)
    books.do(refunds.record_refund_outcome(refund_id, attempt_id, outcome, origin("answer")))
    count = len(books.entries)
    again = books.do(refunds.record_refund_outcome(refund_id, attempt_id, outcome, origin("webhook")))
    assert isinstance(again, Refund)
    assert len(books.entries) == count


@pytest.mark.parametrize(
    "order", [[0, 1], [1, 0], [1, 0, 1], [0, 0, 1, 0], [4, 1, 0], [3, 4, 0, 1], [3, 1, 4, 0]]
)
def test_success_and_late_failure_end_alike_in_any_order(order: list[int]) -> None:
    books = Books()
    refund_id, attempt_id = processing(books)
    for number in order:
        books.do(refunds.record_refund_outcome(refund_id, attempt_id, OUTCOMES[number], origin("webhook")))
    refund = books.state.refunds[refund_id]
    payment = books.state.payments[refund.payment_id]
    assert refund.state == "FAILED"
    assert (payment.state, payment.amount_refunded, payment.amount_refundable) == ("CAPTURED", 0, CAPTURED)
    assert books.state.balances.of("refund_clearing", "USD") == 0
    assert books.state.balances.of("merchant_available:m_demo", "USD") == 0


def test_outcome_of_an_attempt_that_is_over_changes_nothing() -> None:
    books = Books()
    refund_id, first = processing(books)
    books.do(refunds.record_refund_outcome(refund_id, first, NotProcessed("connection_failed"), origin("a")))
    books.do(refunds.approve_refund(refund_id, books.claim(), books.reserved(), origin("anna")))
    count = len(books.entries)
    books.do(refunds.record_refund_outcome(refund_id, first, Approved("re_1"), origin("webhook")))
    assert len(books.entries) == count
    assert books.state.refunds[refund_id].state == "PROCESSING"


def test_staged_refunds_of_one_batch_see_each_other() -> None:
    """Two requests in one batch may not both take the last of the money; a discarded batch leaves no trace."""
    books = Books()
    payment_id = books.captured_payment(CAPTURED)
    ask = [
        refunds.request_refund(books.id("ref"), payment_id, 6_000, "x", books.claim(), origin("olga"))
        for _ in range(2)
    ]

    entry, _ = seal(ask[0](books.state), seq=99, entry_id="le", prev="")  # type: ignore[arg-type]
    books.state.stage(entry)
    with pytest.raises(AmountExceedsRefundable):
        ask[1](books.state)
    assert books.state.payments[payment_id].amount_refundable == CAPTURED
    books.state.discard()
    ask[1](books.state)
