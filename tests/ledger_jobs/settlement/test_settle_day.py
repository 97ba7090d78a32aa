"""A day is settled once: its file, what becomes available, what the bank has, what is paid out."""

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from payrail.ledger_jobs.days import FutureDate
from payrail.ledger_jobs.settlement.settle_day import SettledDay, UnwrittenDays, due_days, unbooked_days
from stand_ins.settled_books import SettledBooks

FIRST, SECOND, THIRD = "2025-01-01", "2025-01-02", "2025-01-03"


def noon(date: str) -> str:
    return f"{date}T12:00:00.000Z"


@pytest.fixture
def books(tmp_path: Path) -> SettledBooks:
    return SettledBooks(tmp_path)


def rows(books: SettledBooks, date: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(books.file(date))))


def totals(books: SettledBooks, date: str) -> Any:
    return msgspec.json.decode(
        (books.data_dir / "settlement" / f"settlement_{date}.totals.json").read_bytes()
    )


def test_captured_money_becomes_available_and_is_paid_out(books: SettledBooks) -> None:
    books.capture(10_000)
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 1, settlements=1, bank_bookings=1, payouts=1)
    assert books.balance("merchant_pending:m_demo") == 0
    assert books.balance("merchant_available:m_demo") == 0
    assert books.balance("provider_receivable:providerA") == 0
    assert books.balance("payout_clearing") == 0
    # The bank has what the provider paid, less what the merchant was paid: fee revenue less processing cost.
    assert books.balance("bank") == 10_000 - 59 - (10_000 - 320)


def test_each_movement_is_a_row_and_what_goes_back_is_negative(books: SettledBooks) -> None:
    payment_id = books.capture(6_000, 4_000)
    books.refund(payment_id, 1_000)
    books.dispute(payment_id, 500)
    books.settle(FIRST)
    shown = [(row["operation"], row["gross"], row["fee"], row["net"]) for row in rows(books, FIRST)]
    assert shown == [
        ("capture", "6000", "204", "5796"), ("capture", "4000", "146", "3854"),
        ("refund", "-1000", "0", "-1000"), ("chargeback", "-500", "1500", "-2000"),
    ]  # fmt: skip
    assert {row["merchant_id"] for row in rows(books, FIRST)} == {"m_demo"}
    assert totals(books, FIRST) == {
        "date": FIRST, "status": "final", "rows": 4, "through_seq": int(rows(books, FIRST)[-1]["seq"]),
        "totals": [
            {"merchant_id": "m_demo", "currency": "USD", "provider": "providerA", "movements": 4,
             "gross": 8_500, "fee": 1_850, "net": 6_650, "released": 9_650}
        ],
    }  # fmt: skip


def test_the_same_input_makes_the_same_bytes_and_a_rerun_adds_nothing(books: SettledBooks) -> None:
    books.capture(10_000, currency="KWD", merchant="m_acme")
    books.refund(books.capture(700, 300), 50)
    books.settle(FIRST)
    made, entries = books.file(FIRST), len(books.journal.entries)
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 4)
    assert (books.file(FIRST), len(books.journal.entries)) == (made, entries)


def test_an_open_day_is_preliminary_and_posts_nothing(books: SettledBooks) -> None:
    books.capture(10_000)
    entries = len(books.journal.entries)
    evening = f"{FIRST}T23:59:59.999Z"
    assert books.settle(FIRST, now=evening) == SettledDay(FIRST, "preliminary", 1)
    assert len(books.journal.entries) == entries
    assert totals(books, FIRST)["status"] == "preliminary"
    assert due_days(books.journal.state, FIRST) == []
    midnight = f"{SECOND}T00:00:00.000Z"
    assert due_days(books.journal.state, SECOND) == [FIRST]
    assert books.settle(FIRST, now=midnight).settlements == 1
    assert (due_days(books.journal.state, SECOND), totals(books, FIRST)["status"]) == ([], "final")


def test_a_day_that_has_not_begun_cannot_be_settled(books: SettledBooks) -> None:
    with pytest.raises(FutureDate):
        books.settle(SECOND, now=noon(FIRST))


def test_a_day_without_movements_has_an_empty_file(books: SettledBooks) -> None:
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 0)
    assert (rows(books, FIRST), totals(books, FIRST)["totals"]) == ([], [])


def test_what_is_appended_late_is_settled_once_by_the_next_version(books: SettledBooks) -> None:
    books.capture(10_000)
    books.settle(FIRST)
    books.capture(500, at=f"{FIRST}T23:59:59.999Z")
    assert due_days(books.journal.state, THIRD) == [FIRST]
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 2, settlements=1, bank_bookings=1, payouts=1)
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 2)
    settlement = books.journal.state.records["stl_20250101_m_demo"]
    assert settlement.version == 2
    assert books.balance("merchant_pending:m_demo") == books.balance("provider_receivable:providerA") == 0


def test_a_merchant_who_owes_is_not_paid_until_it_has_earned_it_back(books: SettledBooks) -> None:
    """A chargeback crosses the cut-off: its money has been paid out already."""
    payment_id = books.capture(10_000, at=f"{FIRST}T23:00:00.000Z")
    books.settle(FIRST, now=noon(SECOND))
    books.dispute(payment_id, at=f"{SECOND}T13:00:00.000Z")
    books.settle(SECOND, now=noon(THIRD))
    assert books.balance("merchant_available:m_demo") == 10_000 + 1_500, "a debit: the merchant owes"
    assert books.settle(SECOND, now=noon(THIRD)).payouts == 0
    books.capture(20_000, at=f"{THIRD}T09:00:00.000Z")
    assert books.settle(THIRD).payouts == 1
    paid = books.journal.state.records["pyt_01JDAAAAAAAAAAAAAAAAAAAAA2"]
    assert paid.amount == 20_000 - 610 - 11_500  # type: ignore[union-attr]
    assert books.balance("merchant_available:m_demo") == 0


def test_a_refund_that_fails_late_comes_back_on_the_day_on_which_it_failed(books: SettledBooks) -> None:
    refund_id = books.refund(books.capture(10_000), 4_000)
    books.settle(FIRST, now=noon(SECOND))
    books.fail_late(refund_id, at=noon(SECOND))
    assert books.settle(SECOND).payouts == 1
    assert [(row["operation"], row["gross"]) for row in rows(books, SECOND)] == [("refund_failed", "4000")]
    assert books.journal.state.records["stl_20250102_m_demo"].totals[0].released == 0  # type: ignore[union-attr]
    assert books.balance("provider_receivable:providerA") == 0


def test_a_dispute_that_is_won_brings_the_money_back_but_not_the_fee(books: SettledBooks) -> None:
    dispute_id = books.dispute(books.capture(10_000))
    books.settle(FIRST, now=noon(SECOND))
    books.resolve(dispute_id, "WON", at=noon(SECOND))
    books.settle(SECOND)
    assert [(row["gross"], row["fee"], row["net"]) for row in rows(books, SECOND)] == [
        ("10000", "0", "10000")
    ]
    assert books.balance("merchant_available:m_demo") == 0
    assert -books.balance("chargeback_fee_revenue") == 1_500


def test_what_the_provider_paid_otherwise_is_in_suspense(books: SettledBooks) -> None:
    books.capture(10_000)
    books.paid["providerA", FIRST] = {"USD": 9_940, "EUR": 7}
    books.settle(FIRST)
    assert books.balance("provider_receivable:providerA") == 0
    assert (books.balance("suspense"), books.balance("suspense", "EUR")) == (1, -7)
    del books.paid["providerA", FIRST]
    assert books.settle(FIRST).bank_bookings == 1, "the provider's file was put right"
    assert (books.balance("suspense"), books.balance("suspense", "EUR")) == (0, 0)
    assert books.settle(FIRST) == SettledDay(FIRST, "final", 1)


def test_a_day_is_due_again_while_a_provider_says_that_it_paid_something_else(books: SettledBooks) -> None:
    books.capture(10_000)
    books.settle(FIRST)

    def due(date: str, amounts: dict[str, int] | None, today: str = THIRD) -> bool:
        paid = {"providerA": {date: amounts}, "providerB": {}}
        return unbooked_days(books.journal.state, today, paid) == {date}

    assert not due(FIRST, {"USD": 9_941})
    assert not due(FIRST, {"USD": 9_941, "EUR": 0})
    assert due(FIRST, {"USD": 9_940})
    assert due(FIRST, {"USD": 9_941, "EUR": 1})
    assert due(FIRST, {})
    assert not due(FIRST, {}, today=FIRST), "the day is not over"
    assert due(SECOND, {"USD": 1}), "the books have nothing of it"
    assert not due(SECOND, {"USD": 0})
    assert not due(SECOND, None)


def test_without_the_providers_file_the_bank_waits_and_the_receivable_stays(books: SettledBooks) -> None:
    books.capture(10_000)
    books.paid["providerA", FIRST] = None
    assert books.settle(FIRST).bank_bookings == 0
    assert books.balance("provider_receivable:providerA") == 10_000 - 59
    assert due_days(books.journal.state, SECOND) == [FIRST], "it is asked for again"


def test_fees_above_the_captures_leave_the_merchant_owing(books: SettledBooks) -> None:
    books.capture(10)
    assert books.settle(FIRST).payouts == 0
    assert books.balance("merchant_pending:m_demo") == 0
    assert books.balance("merchant_available:m_demo") == 20


def test_a_day_whose_file_was_not_written_is_written_by_the_next_run(books: SettledBooks) -> None:
    """The process died after its last entry and before the file."""
    books.capture(10_000)
    books.settle(FIRST)
    unwritten = UnwrittenDays(books.data_dir / "settlement")
    assert unwritten.among(books.journal.state, SECOND) == []
    books.capture(500)
    assert unwritten.among(books.journal.state, SECOND) == [FIRST]
    books.settle(FIRST)
    assert unwritten.among(books.journal.state, SECOND) == []
    (books.data_dir / "settlement" / f"settlement_{FIRST}.totals.json").unlink()
    assert UnwrittenDays(books.data_dir / "settlement").among(books.journal.state, SECOND) == [FIRST]
    assert unwritten.among(books.journal.state, FIRST) == [], "an open day is written when it is over"
