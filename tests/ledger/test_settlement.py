"""What the ledger jobs enter is folded as strictly as payments are, and touches no payment."""

from typing import Any

import pytest
from msgspec.structs import replace

from payrail.ledger.entry import Draft
from payrail.ledger.events import event_of
from payrail.ledger.settlement import BankBooking, Settlement, UnfoundedEntry
from payrail.ledger.settlement_events import BankBooked, BankLine, SettledTotal, SettlementCreated
from payrail.ledger.state import Committed, OutOfOrder, PaidOutTooMuch
from payrail.ledger.transitions import InvalidTransition
from payrail.ledger_jobs.settlement import decisions
from stand_ins.job_origin import JOB
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import MERCHANT, Desk, pay

DAY = "2025-01-01"
SETTLEMENT = "stl_20250101_m_demo"


@pytest.fixture
def journal() -> MemoryJournal:
    """A payment of 10.00 was captured: 59 of it are the merchant's fee, 59 the provider's."""
    journal = MemoryJournal()
    Desk(journal).captured(pay(1), amount=1_000)
    return journal


def _total(released: int = 941, **changes: Any) -> SettledTotal:
    return replace(SettledTotal("USD", "providerA", 1, 1_000, 59, 941, released), **changes)


def _settlement(from_seq: int = 1, through_seq: int = 5, **changes: Any) -> SettlementCreated:
    return replace(SettlementCreated(MERCHANT, DAY, from_seq, through_seq, (_total(),)), **changes)


def _do(journal: MemoryJournal, decide: Any) -> Committed | None:
    return journal.append_now("payments", decide)


def _force(journal: MemoryJournal, decide: Any, **changes: Any) -> Any:
    """The decision's entry with changes, past all that the decision itself would refuse."""
    verdict = decide(journal.state)
    assert isinstance(verdict, Draft)
    return journal.append_now("payments", lambda _state: replace(verdict, **changes))


def test_a_settlement_makes_pending_money_available(journal: MemoryJournal) -> None:
    committed = _do(journal, decisions.settle(_settlement(), JOB))
    assert isinstance(committed, Committed)
    assert (committed.payment, committed.about) == (None, journal.state.records[SETTLEMENT])
    assert journal.state.balances.of("merchant_pending:m_demo", "USD") == 0
    assert journal.state.latest_available(MERCHANT, "USD") == 941
    assert journal.state.seqs_of[MERCHANT][-1] == committed.entry.seq


def test_a_settlement_is_an_event_of_its_merchant_and_a_payout_is_none(journal: MemoryJournal) -> None:
    settled = _do(journal, decisions.settle(_settlement(), JOB))
    paid_out = _do(journal, decisions.create_payout("pyt_1", MERCHANT, "USD", JOB))
    assert settled
    assert paid_out
    event = event_of(settled)
    assert event is not None
    assert (event.type, event.merchant_id, event.data["date"]) == ("settlement.created", MERCHANT, DAY)
    assert event.data["totals"][0]["net"] == 941
    assert event_of(paid_out) is None


def test_a_range_that_was_settled_meanwhile_appends_nothing(journal: MemoryJournal) -> None:
    _do(journal, decisions.settle(_settlement(), JOB))
    assert _do(journal, decisions.settle(_settlement(), JOB)) is None
    assert _do(journal, decisions.settle(_settlement(6, 6), JOB)) is not None
    settlement = journal.state.records[SETTLEMENT]
    assert isinstance(settlement, Settlement)
    assert (settlement.version, settlement.through_seq) == (2, 6)
    assert settlement.totals == (SettledTotal("USD", "providerA", 2, 2_000, 118, 1_882, 1_882),)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": _settlement(from_seq=2)},
        {"data": _settlement(through_seq=6)},
        {"data": _settlement(date="2025-01-02")},
        {"data": _settlement(totals=())},
        {"data": _settlement(totals=(_total(net=940),))},
        {"data": _settlement(totals=(_total(released=940),))},
        {"entity": "stl_20250101_m_acme"},
        {"postings": ()},
    ],
)
def test_a_settlement_that_its_data_does_not_bear_out_is_refused(
    journal: MemoryJournal, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnfoundedEntry):
        _force(journal, decisions.settle(_settlement(), JOB), **changes)
    assert journal.state.records == {}


def test_ranges_of_one_day_follow_each_other_without_gap_or_overlap(journal: MemoryJournal) -> None:
    first = decisions.settle(_settlement(), JOB)(journal.state)
    assert first
    _do(journal, lambda _state: first)
    for from_seq in (5, 7):
        later = replace(first, version=2, data=_settlement(from_seq, 6))
        with pytest.raises(UnfoundedEntry):
            _do(journal, lambda _state, later=later: later)
    with pytest.raises(OutOfOrder):
        _do(journal, lambda _state: first)


def test_a_payout_never_exceeds_what_is_available(journal: MemoryJournal) -> None:
    decide = decisions.create_payout("pyt_1", MERCHANT, "USD", JOB)
    assert _do(journal, decide) is None, "what is pending cannot be paid out"
    _do(journal, decisions.settle(_settlement(), JOB))
    draft = decide(journal.state)
    assert draft
    _do(journal, lambda _state: draft)
    assert journal.state.latest_available(MERCHANT, "USD") == 0
    with pytest.raises(PaidOutTooMuch):
        _do(journal, lambda _state: replace(draft, entity="pyt_2"))


def test_a_payout_is_paid_once(journal: MemoryJournal) -> None:
    _do(journal, decisions.settle(_settlement(), JOB))
    with pytest.raises(KeyError):
        journal.state.merchant_of("pyt_1")
    _do(journal, decisions.create_payout("pyt_1", MERCHANT, "USD", JOB))
    assert list(journal.state.open_payouts) == ["pyt_1"]
    paid = decisions.pay_payout("pyt_1", JOB)(journal.state)
    assert paid
    _do(journal, lambda _state: paid)
    assert (list(journal.state.open_payouts), _do(journal, decisions.pay_payout("pyt_1", JOB))) == ([], None)
    assert journal.state.balances.of("payout_clearing", "USD") == 0
    assert journal.state.balances.of("bank", "USD") == -941
    with pytest.raises(InvalidTransition):
        _do(journal, lambda _state: replace(paid, version=3))


def test_what_a_provider_paid_less_or_more_than_expected_is_in_suspense(journal: MemoryJournal) -> None:
    data = BankBooked("providerA", DAY, 1, 5, (BankLine("USD", 941, 940),))
    committed = _do(journal, decisions.book_bank(data, None, JOB))
    assert committed
    assert event_of(committed) is None
    assert journal.state.merchant_of("bnk_20250101_providerA") is None
    balances = journal.state.balances
    assert [balances.of(a, "USD") for a in ("provider_receivable:providerA", "bank", "suspense")] == [
        0,
        940,
        1,
    ]
    correction = BankBooked("providerA", DAY, 6, 5, (BankLine("USD", 0, 1),))
    booked = journal.state.records["bnk_20250101_providerA"]
    assert isinstance(booked, BankBooking)
    assert _do(journal, decisions.book_bank(correction, booked, JOB))
    assert _do(journal, decisions.book_bank(correction, booked, JOB)) is None, "another run was there first"
    assert [balances.of(a, "USD") for a in ("provider_receivable:providerA", "bank", "suspense")] == [
        0,
        941,
        0,
    ]


def test_each_day_knows_its_newest_movement(journal: MemoryJournal) -> None:
    day = journal.state.days[DAY]
    assert (day.newest_of_merchant, day.newest_of_provider) == ({MERCHANT: 5}, {"providerA": 5})
    _do(journal, decisions.settle(_settlement(), JOB))
    assert journal.state.days[DAY].newest_of_merchant == {MERCHANT: 5}, "a settlement is no movement"
