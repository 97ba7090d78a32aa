"""What a sound chain may not say: each rule of payments, keys, intents and balances, broken on purpose."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from payrail.cli.verification import Report, verify_data_dir
from payrail.cli.verification.packed_state import PackedState
from payrail.gateway.domain.outcomes import Approved, NotProcessed, Unknown
from payrail.ledger.entry import Draft
from payrail.ledger.payment_events import AuthorizationRerouted, Captured
from payrail.ledger.state import LedgerState
from stand_ins.forged_ledger import draft_of, resealed, write_books, write_ledger
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, att, created, pay


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def desk(journal: MemoryJournal) -> Desk:
    return Desk(journal)


@pytest.fixture
def prove(tmp_path: Path) -> Callable[[list[Draft]], Report]:
    def write_and_verify(drafts: list[Draft]) -> Report:
        write_ledger(tmp_path, drafts)
        return verify_data_dir(tmp_path)

    return write_and_verify


Prove = Callable[[list[Draft]], Report]


def _drafts(journal: MemoryJournal) -> list[Draft]:
    return [draft_of(entry) for entry in journal.entries]


def _found(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.check, finding.line) for finding in report.findings]


def test_a_skipped_state_is_an_illegal_transition(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.captured(pay(1))
    created_draft, started, authorized, *rest = _drafts(journal)
    without = [
        created_draft,
        replace(authorized, version=2),
        *(replace(d, version=d.version - 1) for d in rest),
    ]
    assert [finding.check for finding in prove(without).findings] == ["transition"]
    assert _found(prove([created_draft, started, replace(started, version=3)]))[0] == ("transition", 3)


def test_one_illegal_transition_is_one_finding_however_much_follows(
    journal: MemoryJournal, desk: Desk, prove: Prove
) -> None:
    desk.captured(pay(1))
    desk.captured(pay(2))
    drafts = _drafts(journal)
    drafts[1] = replace(drafts[1], type="payment.declined", data=replace_decline())
    assert _found(prove(drafts)) == [("transition", 2)]


def replace_decline() -> object:
    from payrail.ledger.payment_events import AuthorizationDeclined, Decline  # noqa: PLC0415

    return AuthorizationDeclined(att(1), Decline("generic_decline", "No."))


def test_an_outcome_without_an_intent_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    desk.begin_capture(pay(1), None)
    desk.record_operation(pay(1), Approved("ch_1"))
    *before, captured = _drafts(journal)
    other = replace(captured, data=replace(captured.data, attempt_id=att(99)))
    report = prove([*before, other])
    assert _found(report)[0] == ("transition", 5)
    assert "not open" in report.findings[0].reason


def test_a_second_outcome_of_an_attempt_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    desk.begin_capture(pay(1), 10)
    desk.record_operation(pay(1), Approved("ch_1"))
    *before, captured = _drafts(journal)
    again = replace(captured, version=captured.version + 1, idempotency=None)
    assert _found(prove([*before, captured, again])) == [("transition", 6)]


def test_a_repeated_and_a_skipped_version_are_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    first, second, third = _drafts(journal)
    assert _found(prove([first, replace(second, version=3), third])) == [("version", 2)]
    assert _found(prove([first, second, replace(third, version=2)]))[0] == ("version", 3)


def test_unbalanced_postings_are_found(
    journal: MemoryJournal, desk: Desk, prove: Prove, tmp_path: Path
) -> None:
    desk.captured(pay(1))
    prove(_drafts(journal))
    lines = list(journal.lines)

    def take_one_more(document: dict[str, list[dict[str, int]]]) -> None:
        document["postings"][0]["amount"] += 1

    lines[-1] = resealed(lines[-1], take_one_more)
    write_books(tmp_path, {"payments": lines})
    report = verify_data_dir(tmp_path)
    assert _found(report) == [("balance", 5), ("balance", None)]
    assert "differ by 1 USD" in report.findings[0].reason


@pytest.mark.parametrize(
    ("account", "instead"),
    [
        ("fee_revenue", "bank"),
        ("merchant_pending:m_demo", "merchant_pending:m_acme"),
        ("provider_receivable:providerA", "provider_receivable:providerB"),
    ],
)
def test_a_capture_on_other_accounts_than_its_own_is_found(
    journal: MemoryJournal, desk: Desk, prove: Prove, account: str, instead: str
) -> None:
    desk.captured(pay(1))
    report = prove([_with_account(draft, account, instead) for draft in _drafts(journal)])
    assert ("postings", 5) in _found(report)
    assert {finding.check for finding in report.findings} <= {"postings", "receivable"}


def test_a_capture_that_posts_another_fee_than_it_says_is_found(
    journal: MemoryJournal, desk: Desk, prove: Prove
) -> None:
    desk.captured(pay(1))
    *before, captured = _drafts(journal)
    assert isinstance(captured.data, Captured)
    more = replace(captured.data, merchant_fee=captured.data.merchant_fee + 1)
    report = prove([*before, replace(captured, data=more)])
    assert _found(report) == [("postings", 5)]


def _with_account(draft: Draft, account: str, instead: str) -> Draft:
    postings = tuple(
        replace(posting, account=instead) if posting.account == account else posting
        for posting in draft.postings
    )
    return replace(draft, postings=postings)


def test_a_key_that_two_entities_claim_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.create(pay(1))
    desk.create(pay(2))
    first, second = _drafts(journal)
    assert first.idempotency is not None
    assert _found(prove([first, replace(second, idempotency=first.idempotency)])) == [("idempotency", 2)]


def test_a_key_that_a_second_intent_claims_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    desk.begin_capture(pay(1), 10)
    desk.record_operation(pay(1), Unknown("timeout"))
    desk.record_operation(pay(1), Approved("ch_1"))
    desk.begin_capture(pay(1), 10)
    drafts = _drafts(journal)
    drafts[5] = replace(drafts[5], idempotency=None)
    drafts[6] = replace(drafts[6], idempotency=drafts[3].idempotency)
    assert ("idempotency", 7) in _found(prove(drafts))


def test_a_key_that_is_answered_twice_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    desk.begin_capture(pay(1), 10)
    desk.record_operation(pay(1), Approved("ch_1"))
    drafts = _drafts(journal)
    drafts[4] = replace(drafts[4], idempotency=drafts[2].idempotency)
    assert _found(prove(drafts)) == [("idempotency", 5)]


def test_a_key_whose_fingerprint_changes_is_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.authorized(pay(1))
    drafts = _drafts(journal)
    assert drafts[2].idempotency is not None
    drafts[2] = replace(drafts[2], idempotency=replace(drafts[2].idempotency, fingerprint="e" * 64))
    assert _found(prove(drafts)) == [("idempotency", 3)]


def test_a_key_that_is_never_answered_is_found_where_it_was_claimed(
    journal: MemoryJournal, desk: Desk, prove: Prove
) -> None:
    desk.authorized(pay(1))
    drafts = _drafts(journal)
    drafts[2] = replace(drafts[2], idempotency=None)
    assert _found(prove(drafts)) == [("idempotency", 2)]


def test_a_key_of_another_merchant_or_another_payment_is_found(
    journal: MemoryJournal, desk: Desk, prove: Prove
) -> None:
    desk.create(pay(1))
    desk.begin_authorization(pay(1))
    first, second = _drafts(journal)
    assert first.idempotency is not None
    assert second.idempotency is not None
    foreign = replace(first, idempotency=replace(first.idempotency, merchant_id="m_acme"))
    assert _found(prove([foreign, second])) == [("idempotency", 1)]
    elsewhere = replace(second.idempotency, operation=f"POST /payments/{pay(2)}/authorize")
    report = prove([first, replace(second, idempotency=elsewhere)])
    assert _found(report) == [("idempotency", 2)]


def test_two_attempts_with_one_reference_are_found(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.create(pay(1))
    desk.begin_authorization(pay(1))
    desk.record_authorization(pay(1), NotProcessed("refused"))
    desk.record_authorization(pay(1), Approved("pi_2"))
    drafts = _drafts(journal)
    rerouted = drafts[2].data
    assert isinstance(rerouted, AuthorizationRerouted)
    drafts[2] = replace(
        drafts[2], data=replace(rerouted, next=replace(rerouted.next, id=rerouted.attempt_id))
    )
    assert ("intents", 3) in _found(prove(drafts[:3]))


def test_a_key_that_is_given_back_may_be_claimed_again(
    journal: MemoryJournal, desk: Desk, prove: Prove
) -> None:
    desk.authorized(pay(1))
    desk.begin_capture(pay(1), 10)
    desk.record_operation(pay(1), NotProcessed("down"))
    desk.steps = 2
    desk.begin_capture(pay(1), 10)
    desk.record_operation(pay(1), Approved("ch_1"))
    drafts = _drafts(journal)
    assert drafts[3].idempotency == drafts[5].idempotency
    # The test uses attempt ids again, with the keys; nothing else.
    assert prove(drafts).counts == {"intents": 2}


def test_open_intents_are_notes_and_not_findings(journal: MemoryJournal, desk: Desk, prove: Prove) -> None:
    desk.create(pay(1))
    desk.begin_authorization(pay(1))
    desk.authorized(pay(2))
    desk.begin_capture(pay(2), 10)
    desk.record_operation(pay(2), Unknown("timeout"))
    report = prove(_drafts(journal))
    assert report.sound
    assert [(note.kind, note.line) for note in report.notes] == [("open_intent", 2), ("open_intent", 7)]
    assert "unknown" in report.notes[1].reason
    assert report.summary.open_intents == 2


def test_what_follows_a_lost_line_is_not_judged_by_what_nobody_knows(
    journal: MemoryJournal, desk: Desk, tmp_path: Path
) -> None:
    for number in range(1, 4):
        desk.captured(pay(number))
    for lost in range(len(journal.lines) - 1):
        write_books(tmp_path, {"payments": journal.lines[:lost] + journal.lines[lost + 1 :]})
        report = verify_data_dir(tmp_path)
        assert [(finding.check, finding.line) for finding in report.findings] == [("sequence", lost + 1)]


def test_packed_state_folds_as_the_plain_one_does(journal: MemoryJournal, desk: Desk) -> None:
    """With room for two payments only, everything is packed and unpacked many times."""
    for number in range(1, 9):
        desk.authorized(pay(number))
    for number in range(8, 0, -1):
        desk.begin_capture(pay(number), 10 * number)
        desk.record_operation(pay(number), NotProcessed("down") if number % 2 else Approved("ch_1"))
    plain, packed = LedgerState(), PackedState(hot_max=2)
    for entry in journal.entries:
        assert packed.stage(entry) == plain.stage(entry)
        plain.publish()
        packed.publish()
        if entry.idempotency:
            assert packed.latest_claim(entry.idempotency.scope) == plain.latest_claim(entry.idempotency.scope)
    assert len(packed.payments) <= 2
    assert [packed.latest_payment(pay(n)) for n in range(1, 9)] == [
        plain.payments[pay(n)] for n in range(1, 9)
    ]
    assert packed.balances.items() == plain.balances.items()
    assert packed.latest_payment(pay(99)) is None


def test_a_key_stays_claimed_when_its_payment_has_long_been_packed(journal: MemoryJournal) -> None:
    packed = PackedState(hot_max=1)
    for number in range(1, 6):
        journal.append_now("payments", created(pay(number)))
    for entry in journal.entries:
        packed.stage(entry)
        packed.publish()
    first = journal.entries[0]
    assert first.idempotency is not None
    held = packed.latest_claim(first.idempotency.scope)
    assert held is not None
    assert held.answered_by == 1
