"""The state machine of a provider: what may follow what, and how much."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from payrail.provider_sim.errors import (
    AmountExceeded,
    FieldInvalid,
    OperationRefused,
    OriginalNotFound,
    OriginalNotOpen,
    ReferenceReused,
)
from payrail.provider_sim.fate import Verdict
from payrail.provider_sim.magic_cards import Behaviour
from payrail.provider_sim.operations import (
    Book,
    CardOnRecord,
    Record,
    Request,
    Standing,
    decide,
    held,
    outcome_at,
    refunded,
    replay,
)
from payrail.provider_sim.profiles import PROFILES, DeclineReason, Operation, Outcome

NOW = "2025-01-01T00:00:00.000Z"
LATER = "2025-01-01T00:01:00.000Z"
DECLINED = Verdict(DeclineReason.GENERIC_DECLINE)


@pytest.fixture
def book() -> Book:
    return Book(PROFILES["providerA"])


def request(operation: Operation, reference: str, original: str | None = None, amount: int = 100) -> Request:
    reverses = operation is Operation.REVERSE
    return Request(
        operation=operation,
        reference=reference,
        original_reference=original,
        amount=0 if reverses else amount,
        currency=None if reverses else "EUR",
        card=CardOnRecord("424242", "4242", 12, 2031) if operation is Operation.AUTHORIZE else None,
    )


def do(book: Book, asked: Request, verdict: Verdict = Verdict(), now: str = NOW) -> Record:  # noqa: B008
    known = replay(book, asked)
    if known is not None:
        return known
    record = decide(book, asked, verdict, now, LATER)
    book.add(record)
    return record


def authorize(book: Book, reference: str = "a", amount: int = 100, verdict: Verdict = Verdict()) -> Record:  # noqa: B008
    return do(book, request(Operation.AUTHORIZE, reference, amount=amount), verdict)


def capture(book: Book, reference: str, amount: int, original: str = "a") -> Record:
    return do(book, request(Operation.CAPTURE, reference, original, amount))


def refund(book: Book, reference: str, amount: int, now: str = NOW) -> Record:
    return do(book, request(Operation.REFUND, reference, "a", amount), now=now)


def reverse(book: Book, reference: str, original: str = "a") -> Record:
    return do(book, request(Operation.REVERSE, reference, original))


def standing(book: Book, reference: str = "a") -> Standing:
    found = book.standing(reference)
    assert found is not None
    return found


def test_captures_add_up_to_the_authorized_amount_and_not_beyond(book: Book) -> None:
    authorize(book)
    capture(book, "c1", 60)
    with pytest.raises(AmountExceeded, match="40 is left; 41 was asked for"):
        capture(book, "c2", 41)
    capture(book, "c3", 40)
    with pytest.raises(OriginalNotOpen):
        capture(book, "c4", 1)
    assert standing(book).captured == 100
    assert book.counts()[Operation.CAPTURE] == 2


def test_a_final_capture_releases_the_rest(book: Book) -> None:
    authorize(book)
    last = do(book, replace(request(Operation.CAPTURE, "c1", "a", 60), final=True))
    assert held(standing(book), NOW) == 0
    with pytest.raises(OriginalNotOpen):
        capture(book, "c2", 1)
    book.withdraw(last)
    assert held(standing(book), NOW) == 100


def test_only_an_approved_authorization_can_be_captured(book: Book) -> None:
    authorize(book, verdict=DECLINED)
    with pytest.raises(OriginalNotOpen):
        capture(book, "c1", 10)
    with pytest.raises(OriginalNotFound):
        capture(book, "c2", 10, original="unseen")


def test_a_capture_is_no_authorization(book: Book) -> None:
    authorize(book)
    capture(book, "c1", 10)
    with pytest.raises(OriginalNotFound):
        capture(book, "c2", 10, original="c1")
    with pytest.raises(OriginalNotOpen):
        reverse(book, "r1", original="c1")


def test_a_capture_in_another_currency_is_refused(book: Book) -> None:
    authorize(book)
    asked = Request(
        operation=Operation.CAPTURE, reference="c1", original_reference="a", amount=10, currency="USD"
    )
    with pytest.raises(FieldInvalid):
        do(book, asked)


def test_refunds_add_up_to_the_captured_amount_and_not_beyond(book: Book) -> None:
    authorize(book)
    capture(book, "c1", 60)
    refund(book, "f1", 50)
    with pytest.raises(AmountExceeded):
        refund(book, "f2", 11)
    refund(book, "f3", 10)
    assert refunded(book, standing(book), NOW) == 60


def test_a_reversal_releases_what_is_held(book: Book) -> None:
    authorization = authorize(book)
    assert held(standing(book), NOW) == 100
    reversal = reverse(book, "r1")
    assert (reversal.amount, reversal.currency) == (100, "EUR")
    assert held(standing(book), NOW) == 0
    assert outcome_at(book, authorization, NOW) is Outcome.REVERSED
    with pytest.raises(OriginalNotOpen):
        capture(book, "c1", 1)


def test_a_reversal_of_a_part_captured_authorization_releases_the_rest(book: Book) -> None:
    authorization = authorize(book)
    capture(book, "c1", 30)
    assert reverse(book, "r1").amount == 70
    assert outcome_at(book, authorization, NOW) is Outcome.APPROVED
    with pytest.raises(OriginalNotOpen):
        capture(book, "c2", 1)
    refund(book, "f1", 30)


def test_what_is_wholly_captured_cannot_be_reversed(book: Book) -> None:
    authorize(book)
    capture(book, "c1", 100)
    with pytest.raises(OriginalNotOpen):
        reverse(book, "r1")


def test_a_second_reversal_is_acknowledged_and_releases_nothing(book: Book) -> None:
    authorize(book)
    reverse(book, "r1")
    assert reverse(book, "r2").amount == 0


def test_the_reversal_of_a_declined_authorization_is_acknowledged(book: Book) -> None:
    declined = authorize(book, verdict=DECLINED)
    assert reverse(book, "r1").amount == 0
    assert outcome_at(book, declined, NOW) is Outcome.DECLINED


def test_an_authorization_reversed_before_it_came_can_never_be_approved(book: Book) -> None:
    tombstone = reverse(book, "r1")
    assert (tombstone.outcome, tombstone.amount, tombstone.currency) == (Outcome.APPROVED, 0, None)
    late = authorize(book)
    assert (late.outcome, late.declines) == (Outcome.DECLINED, DeclineReason.REVERSED)
    assert outcome_at(book, late, NOW) is Outcome.REVERSED
    with pytest.raises(OriginalNotOpen):
        capture(book, "c1", 1)


def test_a_refused_reversal_leaves_no_tombstone(book: Book) -> None:
    do(book, request(Operation.REVERSE, "r1", "a"), DECLINED)
    assert authorize(book).outcome is Outcome.APPROVED


def test_a_declined_capture_takes_nothing(book: Book) -> None:
    authorize(book)
    do(book, request(Operation.CAPTURE, "c1", "a", 100), DECLINED)
    capture(book, "c2", 100)


def test_the_same_request_again_leaves_the_first_record(book: Book) -> None:
    authorize(book)
    first = capture(book, "c1", 60)
    assert capture(book, "c1", 60) is first
    assert standing(book).captured == 60


def test_a_reference_cannot_be_used_for_another_request(book: Book) -> None:
    authorize(book)
    capture(book, "c1", 60)
    with pytest.raises(ReferenceReused):
        capture(book, "c1", 61)
    with pytest.raises(ReferenceReused):
        refund(book, "c1", 60)
    with pytest.raises(ReferenceReused):
        authorize(book, amount=101)


def test_a_late_approval_is_not_there_until_it_is_due(book: Book) -> None:
    record = authorize(book, verdict=Verdict(behaviour=Behaviour.LATE_APPROVAL))
    assert outcome_at(book, record, NOW) is None
    with pytest.raises(OriginalNotFound):
        capture(book, "c1", 10)
    assert outcome_at(book, record, LATER) is Outcome.APPROVED
    assert do(book, request(Operation.CAPTURE, "c2", "a", 10), now=LATER).outcome is Outcome.APPROVED


def test_a_late_approval_that_was_reversed_before_never_holds_anything(book: Book) -> None:
    record = authorize(book, verdict=Verdict(behaviour=Behaviour.LATE_APPROVAL))
    assert reverse(book, "r1").amount == 0
    assert outcome_at(book, record, NOW) is Outcome.REVERSED
    assert outcome_at(book, record, LATER) is Outcome.REVERSED
    assert held(standing(book), LATER) == 0


def test_a_pending_refund_succeeds_when_it_is_due(book: Book) -> None:
    authorize(book, verdict=Verdict(behaviour=Behaviour.REFUND_PENDING_THEN_SUCCEEDS))
    capture(book, "c1", 100)
    record = refund(book, "f1", 100)
    assert outcome_at(book, record, NOW) is Outcome.PENDING
    assert outcome_at(book, record, LATER) is Outcome.APPROVED
    with pytest.raises(AmountExceeded):
        refund(book, "f2", 1)


def test_a_refund_that_fails_late_can_be_asked_for_again(book: Book) -> None:
    authorize(book, verdict=Verdict(behaviour=Behaviour.REFUND_SUCCEEDS_THEN_FAILS))
    capture(book, "c1", 100)
    record = refund(book, "f1", 100)
    assert outcome_at(book, record, NOW) is Outcome.APPROVED
    with pytest.raises(AmountExceeded):
        refund(book, "f2", 100)
    assert outcome_at(book, record, LATER) is Outcome.FAILED
    refund(book, "f3", 100, now=LATER)


def test_a_capture_brings_its_fee_and_nothing_else_does(book: Book) -> None:
    assert authorize(book, amount=10_000).fee is None
    assert capture(book, "c1", 10_000).fee == 290 + 25
    assert refund(book, "f1", 10_000).fee is None


def test_provider_references_can_never_pass_for_card_numbers() -> None:
    book = Book(PROFILES["providerB"])
    for n in range(2_000):
        reference = authorize(book, f"a{n}").provider_reference
        assert len(reference) == 16
        assert (
            max(len(run) for run in "".join(c if c.isdigit() else " " for c in reference).split() or [""])
            <= 3
        )


# ---- whatever is asked for, in whatever order ---------------------------------------------------------------------

REFERENCES = [f"x{n}" for n in range(8)]
ASKED = st.builds(
    request,
    st.sampled_from([Operation.AUTHORIZE, Operation.CAPTURE, Operation.REFUND, Operation.REVERSE]),
    st.sampled_from(REFERENCES),
    st.sampled_from(REFERENCES[:3]),
    st.integers(1, 120),
).map(
    lambda asked: (
        request(Operation.AUTHORIZE, asked.reference, amount=asked.amount)
        if asked.operation is Operation.AUTHORIZE
        else asked
    )
)
VERDICTS = st.one_of(
    st.just(Verdict()),
    st.sampled_from([DECLINED, *(Verdict(behaviour=behaviour) for behaviour in Behaviour)]),
)
CALLS = st.lists(st.tuples(ASKED, VERDICTS, st.sampled_from([NOW, LATER])), max_size=60).map(
    lambda calls: sorted(calls, key=lambda call: call[2])  # The clock never runs back.
)


def snapshot(book: Book) -> tuple[object, ...]:
    records = {reference: book.get(reference) for reference in REFERENCES}
    standings = {reference: repr(book.standing(reference)) for reference in REFERENCES}
    return records, standings, book.counts()


def check_money(book: Book, now: str) -> None:
    for reference in REFERENCES:
        found = book.standing(reference)
        if found is None:
            continue
        authorized = 0
        if found.record is not None and found.record.outcome is Outcome.APPROVED:
            authorized = found.record.amount
        assert 0 <= found.captured <= authorized
        assert 0 <= refunded(book, found, now) <= found.captured
        assert 0 <= held(found, now) <= authorized - found.captured
        if found.reversal is not None:
            assert held(found, now) == 0


@settings(max_examples=300)
@given(CALLS)
def test_money_never_exceeds_what_was_authorized_and_repetition_changes_nothing(
    calls: list[tuple[Request, Verdict, str]],
) -> None:
    book = Book(PROFILES["providerA"])
    for asked, verdict, now in calls:
        before = snapshot(book)
        try:
            record = do(book, asked, verdict, now)
        except (OperationRefused, FieldInvalid):
            assert snapshot(book) == before
            continue
        after = snapshot(book)
        assert do(book, asked, DECLINED, LATER) is record
        assert snapshot(book) == after
        check_money(book, now)


@settings(max_examples=200)
@given(CALLS)
def test_a_withdrawn_record_leaves_the_book_as_it_was(calls: list[tuple[Request, Verdict, str]]) -> None:
    book = Book(PROFILES["providerA"])
    for asked, verdict, now in calls:
        before = snapshot(book)
        try:
            if replay(book, asked) is not None:
                continue
            record = decide(book, asked, verdict, now, LATER)
        except (OperationRefused, FieldInvalid):
            continue
        book.add(record)
        book.withdraw(record)
        assert snapshot(book) == before
        book.add(record)


@settings(max_examples=200)
@given(CALLS)
def test_a_book_replayed_from_its_records_is_the_same(calls: list[tuple[Request, Verdict, str]]) -> None:
    book, again = Book(PROFILES["providerA"]), Book(PROFILES["providerA"])
    for asked, verdict, now in calls:
        try:
            if replay(book, asked) is None:
                record = do(book, asked, verdict, now)
                again.add(record)
        except (OperationRefused, FieldInvalid):
            continue
    assert snapshot(again) == snapshot(book)
