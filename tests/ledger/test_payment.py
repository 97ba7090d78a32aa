"""The fold of a payment, walked at random: no sequence of commands leads where `PAYMENT_TRANSITIONS` does not."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from payrail.gateway.domain.errors import AmountExceedsAuthorized, OperationInProgress
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotProcessed, Unknown
from payrail.ledger import accounts
from payrail.ledger.attempts import NoOpenAttempt
from payrail.ledger.entry import GENESIS, Entry, seal
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import Decline
from payrail.ledger.payment_fold import evolve
from payrail.ledger.payment_states import PAYMENT_TRANSITIONS, State, require_transition
from payrail.ledger.payment_view import payment_view
from payrail.ledger.state import LedgerState, OutOfOrder
from payrail.ledger.transitions import InvalidTransition
from stand_ins.forged_ledger import draft_of
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import AT, LATER, Desk, claim, created, pay, terms

ID = pay(1)
ANSWERS = st.sampled_from(
    [
        Approved("ref_1", provider_fee=7),
        Declined(Decline("generic_decline", "No.")),
        Declined(Decline("lost_card", "No.")),
        NotProcessed("connection_failed"),
        Unknown("timeout"),
    ]
)
#: Beyond the table: the fail-over after an inquiry's decline goes straight on to the next provider.
BY_REROUTING = {("UNKNOWN", "AUTHORIZING")}


class PaymentWalk(RuleBasedStateMachine):
    """Any command at any time. A refusal must name what stands in its way and change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = MemoryJournal()
        self.desk = Desk(self.journal)
        self.seen: list[Payment] = []

    @initialize(
        amount=st.integers(1, 500),
        currency=st.sampled_from(["USD", "JPY", "KWD"]),
        method=st.sampled_from(["manual", "automatic"]),
    )
    def create(self, amount: int, currency: str, method: str) -> None:
        self.seen.append(self.desk.create(ID, amount=amount, currency=currency, capture_method=method))

    @property
    def payment(self) -> Payment:
        return self.desk.payment(ID)

    @rule()
    def begin_authorization(self) -> None:
        if self.payment.state == "CREATED":
            self._look(self.desk.begin_authorization(ID))
        else:
            self._refused_naming("AUTHORIZING", lambda: self.desk.begin_authorization(ID))

    @rule(amount=st.none() | st.integers(1, 600), final=st.booleans())
    def begin_capture(self, amount: int | None, *, final: bool) -> None:
        payment = self.payment
        if payment.pending and payment.pending.attempt.operation in ("capture", "void", "expiry"):
            with pytest.raises(OperationInProgress, match=payment.pending.attempt.operation):
                self.desk.begin_capture(ID, amount, final=final)
        elif payment.state not in ("AUTHORIZED", "PARTIALLY_CAPTURED"):
            self._refused_naming("CAPTURED", lambda: self.desk.begin_capture(ID, amount, final=final))
        elif amount is not None and amount > payment.amount_capturable:
            with pytest.raises(AmountExceedsAuthorized):
                self.desk.begin_capture(ID, amount, final=final)
        else:
            self._look(self.desk.begin_capture(ID, amount, final=final))

    @rule()
    def begin_cancel(self) -> None:
        payment = self.payment
        if payment.pending and payment.pending.attempt.operation in ("capture", "void", "expiry"):
            with pytest.raises(OperationInProgress):
                self.desk.begin_cancel(ID)
        elif payment.state not in ("CREATED", "AUTHORIZED", "PARTIALLY_CAPTURED"):
            self._refused_naming("CANCELED", lambda: self.desk.begin_cancel(ID))
        else:
            self._look(self.desk.begin_cancel(ID))

    @rule(due=st.booleans())
    def begin_expiry(self, *, due: bool) -> None:
        before = self.payment
        self._look(self.desk.begin_expiry(ID, LATER if due else AT))
        if not due or before.pending or before.state not in ("AUTHORIZED", "PARTIALLY_CAPTURED"):
            assert self.payment == before, "nothing expires before its time, and nothing but a hold"

    @precondition(lambda self: self.payment.state in ("AUTHORIZING", "UNKNOWN", "REVERSING"))
    @rule(answer=ANSWERS, go_on=st.booleans())
    def record_authorization(self, answer: Answer, *, go_on: bool) -> None:
        before = self.payment
        self._look(self.desk.record_authorization(ID, answer, go_on=go_on))
        if before.state == "UNKNOWN" and isinstance(answer, NotProcessed | Unknown):
            assert self.payment == before, "only the provider's word ends what is unknown"

    @rule()
    def start_reversal(self) -> None:
        self._look(self.desk.start_reversal(ID))

    @rule(go_on=st.booleans())
    def record_reversal(self, *, go_on: bool) -> None:
        self._look(self.desk.record_reversal(ID, go_on=go_on))

    @precondition(
        lambda self: (
            self.payment.pending and self.payment.pending.attempt.operation in ("capture", "void", "expiry")
        )
    )
    @rule(answer=ANSWERS)
    def record_operation(self, answer: Answer) -> None:
        before = self.payment
        self._look(self.desk.record_operation(ID, answer))
        if before.pending and before.pending.unknown and isinstance(answer, NotProcessed | Unknown):
            assert self.payment == before, "only the provider's word ends what is unknown"

    @rule(owner=st.sampled_from(["process-1", "process-2"]))
    def take_over(self, owner: str) -> None:
        self._look(self.desk.take_over(ID, owner))

    def _look(self, payment: Payment) -> None:
        self.seen.append(payment)

    def _refused_naming(self, target: str, command: object) -> None:
        entries = len(self.journal.entries)
        with pytest.raises(InvalidTransition) as refused:
            command()  # type: ignore[operator]
        assert (refused.value.current, refused.value.target) == (self.payment.state, target)
        assert self.payment.state in refused.value.detail
        assert target in refused.value.detail
        assert len(self.journal.entries) == entries

    @invariant()
    def states_follow_the_table(self) -> None:
        for before, after in zip(self.seen, self.seen[1:], strict=False):
            if before.state != after.state and (before.state, after.state) not in BY_REROUTING:
                assert after.state in PAYMENT_TRANSITIONS[before.state], (before.state, after.state)

    @invariant()
    def captured_never_exceeds_authorized(self) -> None:
        for payment in self.seen[-1:]:
            assert 0 <= payment.amount_captured <= payment.amount_authorized <= payment.amount
            assert payment.amount_capturable >= 0
            assert payment.amount_refundable >= 0

    @invariant()
    def at_most_one_operation_is_open_and_at_most_one_hold_may_live(self) -> None:
        for payment in self.seen[-1:]:
            open_attempts = [a.id for a in payment.attempts if a.outcome in ("pending", "unknown")]
            pending = payment.pending
            allowed = [] if pending is None else [pending.attempt.id]
            if pending and pending.reversal:
                allowed.append(pending.reversal.id)
            assert open_attempts == allowed
            live = [
                a
                for a in payment.attempts
                if a.operation == "authorize" and a.outcome in ("pending", "unknown", "approved")
            ]
            assert len(live) <= 1
            authorizations = [a.provider for a in payment.attempts if a.operation == "authorize"]
            assert len(authorizations) == len(set(authorizations)), "a provider was asked twice"

    @invariant()
    def money_is_where_the_payment_says(self) -> None:
        balances = self.journal.state.balances
        assert balances.out_of_balance() == {}
        for payment in self.seen[-1:]:
            owed = balances.of(accounts.merchant_pending("m_demo"), payment.currency)
            fees = balances.of(accounts.FEE_REVENUE, payment.currency)
            assert -owed - fees == payment.amount_captured

    @invariant()
    def what_may_expire_is_known(self) -> None:
        for payment in self.seen[-1:]:
            assert (payment.id in self.journal.state.holding) == (payment.amount_capturable > 0)

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        replayed = LedgerState()
        for entry in self.journal.entries:
            replayed.stage(entry)
            replayed.publish()
        assert replayed.payments == self.journal.state.payments
        assert replayed.claims == self.journal.state.claims
        assert replayed.open_payments == self.journal.state.open_payments
        assert replayed.holding == self.journal.state.holding
        assert replayed.balances.items() == self.journal.state.balances.items()

    @invariant()
    def the_key_of_every_closed_operation_is_answered_or_free(self) -> None:
        state = self.journal.state
        pending = state.payments[ID].pending if ID in state.payments else None
        for held in state.claims.values():
            if held.answered_by is None:
                assert pending is not None
                assert pending.claim is not None
                assert pending.claim.scope == held.claim.scope


TestPaymentWalk = PaymentWalk.TestCase
TestPaymentWalk.settings = settings(max_examples=150, stateful_step_count=25)


@pytest.mark.parametrize("current", sorted(PAYMENT_TRANSITIONS))
@pytest.mark.parametrize("target", sorted(PAYMENT_TRANSITIONS))
def test_exactly_the_moves_of_the_table_are_allowed(current: State, target: State) -> None:
    if target in PAYMENT_TRANSITIONS[current]:
        assert require_transition(current, target) == target
    else:
        with pytest.raises(InvalidTransition, match=rf"{current}.*{target}"):
            require_transition(current, target)


def test_final_states_lead_nowhere() -> None:
    final = {state for state, targets in PAYMENT_TRANSITIONS.items() if not targets}
    assert final == {"DECLINED", "FAILED", "CANCELED", "EXPIRED"}


# ---- what only a forged or damaged ledger could say -----------------------------------------------------------------


def _resealed(entry: Entry, **changes: object) -> Entry:
    return seal(draft_of(entry, **changes), seq=entry.seq, entry_id=entry.id, prev=GENESIS)[0]


def _captured() -> MemoryJournal:
    journal = MemoryJournal()
    Desk(journal).captured(ID)
    return journal


def test_an_entry_that_skips_or_repeats_a_version_is_refused() -> None:
    entries = _captured().entries
    for wrong in (1, 3, 0):
        state = LedgerState()
        state.stage(entries[0])
        with pytest.raises(OutOfOrder, match="version 2"):
            state.stage(_resealed(entries[1], version=wrong))


def test_a_payment_that_is_not_there_takes_no_entry_but_its_creation() -> None:
    with pytest.raises(InvalidTransition, match="none"):
        evolve(None, _captured().entries[1])


def test_a_payment_is_created_once() -> None:
    first, *_ = _captured().entries
    payment = evolve(None, first)
    with pytest.raises(InvalidTransition, match="CREATED"):
        evolve(payment, _resealed(first, version=2))


def test_an_outcome_of_no_open_attempt_is_refused() -> None:
    created_entry, started, authorized, capture_started, captured = _captured().entries
    payment = evolve(evolve(None, created_entry), started)
    for foreign in (captured, _resealed(authorized, data=_with(authorized, attempt_id="att_other"))):
        with pytest.raises(NoOpenAttempt):
            evolve(payment, foreign)
    authorized_payment = evolve(payment, authorized)
    with pytest.raises(NoOpenAttempt):
        evolve(authorized_payment, captured)
    done = evolve(evolve(authorized_payment, capture_started), captured)
    with pytest.raises(NoOpenAttempt):
        evolve(done, captured)


def _with(entry: Entry, **changes: object) -> object:
    return replace(entry.data, **changes)


def test_a_hold_is_not_canceled_without_a_void() -> None:
    journal = MemoryJournal()
    desk = Desk(journal)
    desk.authorized(ID)
    other = MemoryJournal()
    Desk(other).create(ID)
    Desk(other).begin_cancel(ID)
    with pytest.raises(InvalidTransition, match="AUTHORIZED"):
        evolve(desk.payment(ID), other.entries[-1])


def test_more_than_was_authorized_cannot_be_captured() -> None:
    created_entry, started, authorized, capture_started, captured = _captured().entries
    payment = evolve(evolve(evolve(evolve(None, created_entry), started), authorized), capture_started)
    with pytest.raises(InvalidTransition, match="authorized amount"):
        evolve(payment, _resealed(captured, data=_with(captured, amount=1001)))


# ---- staging --------------------------------------------------------------------------------------------------------


def test_what_is_staged_and_then_discarded_leaves_no_trace() -> None:
    entries = _captured().entries
    state = LedgerState()
    for entry in entries[:2]:
        state.stage(entry)
        state.publish()
    before = (dict(state.payments), dict(state.claims), dict(state.open_payments), state.balances.items())
    for entry in entries[2:]:
        state.stage(entry)
    latest = state.latest_payment(ID)
    assert latest is not None
    assert latest.state == "CAPTURED"
    assert state.payments[ID].state == "AUTHORIZING", "readers see what is durable"
    state.discard()
    assert (state.payments, state.claims, state.open_payments, state.balances.items()) == before
    assert state.latest_payment(ID) == state.payments[ID]
    for entry in entries[2:]:
        state.stage(entry)
        state.publish()
    assert state.payments[ID].state == "CAPTURED"


def test_a_key_that_is_claimed_and_discarded_is_free() -> None:
    journal = MemoryJournal()
    journal.append_now("payments", created(ID, key="k"))
    state = LedgerState()
    state.stage(journal.entries[0])
    scope = claim("POST /payments", "k").scope
    assert state.latest_claim(scope) is not None
    assert scope not in state.claims
    state.discard()
    assert state.latest_claim(scope) is None


def test_an_entry_that_is_refused_leaves_the_staged_ones_as_they_were() -> None:
    entries = _captured().entries
    state = LedgerState()
    state.stage(entries[0])
    with pytest.raises(OutOfOrder):
        state.stage(entries[2])
    with pytest.raises(NoOpenAttempt):
        state.stage(_resealed(entries[2], version=2))
    state.stage(entries[1])
    state.publish()
    assert state.payments[ID].state == "AUTHORIZING"
    assert state.payments_of == {"m_demo": [ID]}
    assert list(state.open_payments) == [ID]


# ---- the view -------------------------------------------------------------------------------------------------------


def test_the_view_shows_amounts_attempts_and_no_inner_parts() -> None:
    journal = MemoryJournal()
    desk = Desk(journal)
    desk.captured(ID, metadata={"order": "7"}, description=None)
    view = payment_view(desk.payment(ID))
    assert (view["state"], view["amount_captured"], view["amount_refundable"]) == ("CAPTURED", 1000, 1000)
    assert [attempt["operation"] for attempt in view["attempts"]] == ["authorize", "capture"]
    assert view["version"] == 5
    assert not {"pending", "candidates", "authorization_id"} & set(view)
    assert terms(metadata={"order": "7"}).metadata == view["metadata"]
