"""Each class of break, by frames alone: what two parties say, and the one class that it is."""

from typing import Any

import polars as pl
import pytest

from payrail.ledger_jobs.books.lines import frame_of
from payrail.ledger_jobs.provider_files.dialects import empty_provider_rows
from payrail.ledger_jobs.reconciliation.breaks import BREAK_CLASSES, Break
from payrail.ledger_jobs.reconciliation.three_way import Compared, Owner, reconcile

DAY, NEXT_DAY, FAR_DAY = "2026-03-31", "2026-04-01", "2026-04-02"

Row = dict[str, Any]


def movement(number: int, **fields: Any) -> Row:
    return {
        "seq": number, "at": f"{fields.get('date', DAY)}T12:00:00.000Z", "date": DAY, "operation": "capture",
        "payment_id": f"pay_{number}", "entity": f"pay_{number}", "reference": f"att_{number}",
        "merchant_id": "m_demo", "provider": "providerA", "currency": "USD", "gross": 1000, "merchant_fee": 59,
        "provider_fee": 30,
    } | fields  # fmt: skip


def file_row(number: int, **fields: Any) -> Row:
    return {
        "line": number + 1, "provider": "providerA", "date": DAY, "at": "2026-03-31T12:00:00.000Z",
        "operation": "capture", "reference": f"att_{number}", "authorization": f"auth_{number}",
        "provider_reference": f"ch_{number}", "currency": "USD", "gross": 1000, "fee": 30,
    } | fields  # fmt: skip


def settled(number: int, **fields: Any) -> Row:
    return {
        "line": number + 1, "provider": "providerA", "date": DAY, "operation": "capture",
        "reference": f"att_{number}", "currency": "USD", "gross": 1000, "fee": 59, "merchant_id": "m_demo",
        "payment_id": f"pay_{number}",
    } | fields  # fmt: skip


SETTLED_SCHEMA = {name: pl.Int64 if name in ("line", "gross", "fee") else pl.String for name in settled(1)}


def compare(
    movements: list[Row],
    rows: list[Row],
    settlement: list[Row] | None = None,
    *,
    date: str = DAY,
    days: int = 1,
) -> Compared:
    def judge_one(row: Row) -> Owner:
        return (
            Owner("missing_in_ledger", "m_demo", "pay_9", "pay_9")
            if row["authorization"] == "auth_known"
            else Owner("orphan")
        )

    return reconcile(
        date,
        days,
        pl.DataFrame(movements, schema=frame_of(iter(())).schema),
        pl.DataFrame(rows, schema=empty_provider_rows().schema),
        pl.DataFrame(settlement, schema=SETTLED_SCHEMA) if settlement is not None else None,
        lambda found: [judge_one(row) for row in found],
    )


def classes(compared: Compared) -> list[tuple[str, str]]:
    return [(one.break_class, one.reference) for one in compared.breaks]


def only(compared: Compared) -> Break:
    (one,) = compared.breaks
    return one


def test_what_agrees_is_no_break() -> None:
    compared = compare([movement(1), movement(2)], [file_row(1), file_row(2)], [settled(1), settled(2)])
    assert compared.breaks == []
    assert compared.clean.height == 2


@pytest.mark.parametrize(
    ("says", "break_class"),
    [
        ({"gross": 1001}, "amount_over"),
        ({"gross": 999}, "amount_under"),
        ({"fee": 31}, "fee_mismatch"),
        ({"fee": 29}, "fee_mismatch"),
        ({"currency": "EUR"}, "currency_mismatch"),
        ({"currency": "EUR", "gross": 5}, "currency_mismatch"),
        ({"date": NEXT_DAY}, "timing"),
    ],
)
def test_a_difference_has_its_class_and_both_figures(says: Row, break_class: str) -> None:
    compared = compare([movement(1), movement(2)], [file_row(1, **says), file_row(2)])
    one = only(compared)
    assert (one.break_class, one.reference, one.merchant_id) == (break_class, "att_1", "m_demo")
    assert one.ledger is not None
    assert one.provider_file is not None
    assert (one.ledger.gross, one.ledger.provider_fee, one.ledger.currency) == (1000, 30, "USD")
    file = one.provider_file
    assert (file.gross, file.provider_fee, file.currency, file.date) == (
        says.get("gross", 1000), says.get("fee", 30), says.get("currency", "USD"), says.get("date", DAY),
    )  # fmt: skip
    assert compared.clean["reference"].to_list() == ["att_2"]


def test_two_differences_of_one_item_are_two_breaks() -> None:
    assert classes(compare([movement(1)], [file_row(1, gross=1001, fee=31)])) == [
        ("amount_over", "att_1"),
        ("fee_mismatch", "att_1"),
    ]


def test_over_and_under_are_seen_from_the_merchants_money() -> None:
    """More given back is less money: a refund that the file has too high is under."""
    refund = {"operation": "refund", "gross": -1000, "provider_fee": 0}
    compared = compare([movement(1, **refund)], [file_row(1, operation="refund", gross=-1200, fee=0)])
    assert only(compared).break_class == "amount_under"


def test_what_the_file_does_not_have_is_missing_in_it() -> None:
    one = only(compare([movement(1)], []))
    assert (one.break_class, one.provider_file) == ("missing_in_provider", None)


def test_what_the_ledger_does_not_have_is_missing_or_nobodys() -> None:
    compared = compare([], [file_row(1), file_row(2, authorization="auth_known")])
    assert classes(compared) == [("orphan", "att_1"), ("missing_in_ledger", "att_2")]
    orphan, missing = compared.breaks
    assert (orphan.merchant_id, orphan.ledger) == (None, None)
    assert (missing.merchant_id, missing.payment_id) == ("m_demo", "pay_9")


def test_a_row_that_stands_there_again_is_a_duplicate() -> None:
    compared = compare([movement(1)], [file_row(1), file_row(1, line=3), file_row(1, line=4)])
    assert classes(compared) == [("duplicate", "att_1")] * 2
    assert len({one.id for one in compared.breaks}) == 2


def test_of_several_rows_the_one_of_the_ledgers_day_counts() -> None:
    """The other one is a duplicate in its own day's report, and nothing in this one."""
    rows = [file_row(1, date=NEXT_DAY), file_row(1)]
    assert compare([movement(1)], rows).breaks == []
    assert classes(compare([movement(1)], rows, date=NEXT_DAY)) == [("duplicate", "att_1")]


def test_an_item_belongs_to_the_report_of_the_ledgers_day_alone() -> None:
    movements, rows = [movement(1, date=DAY)], [file_row(1, date=NEXT_DAY)]
    assert classes(compare(movements, rows)) == [("timing", "att_1")]
    assert compare(movements, rows, date=NEXT_DAY).breaks == []


@pytest.mark.parametrize(
    ("days", "found"), [(0, "missing_in_provider"), (1, "missing_in_provider"), (2, "timing")]
)
def test_the_tolerance_is_counted_in_days(days: int, found: str) -> None:
    assert only(compare([movement(1)], [file_row(1, date=FAR_DAY)], days=days)).break_class == found


def test_rows_without_a_reference_are_nobodys_and_not_each_others_duplicates() -> None:
    compared = compare([movement(1)], [file_row(1), file_row(2, reference=""), file_row(3, reference="")])
    assert classes(compared) == [("orphan", ""), ("orphan", "")]
    assert len({one.id for one in compared.breaks}) == 2


def test_the_same_reference_at_another_provider_is_another_item() -> None:
    compared = compare([movement(1)], [file_row(1, provider="providerB")])
    assert sorted(classes(compared)) == [("missing_in_provider", "att_1"), ("orphan", "att_1")]


@pytest.mark.parametrize(
    ("rows", "break_class"),
    [
        ([], "status_mismatch"),
        ([settled(1, gross=1001)], "amount_over"),
        ([settled(1, gross=1)], "amount_under"),
        ([settled(1, fee=58)], "fee_mismatch"),
        ([settled(1, currency="EUR")], "currency_mismatch"),
        ([settled(1), settled(1, line=3)], "duplicate"),
        ([settled(1), settled(2)], "missing_in_ledger"),
    ],
)
def test_our_own_settlement_file_is_the_third_party(rows: list[Row], break_class: str) -> None:
    one = only(compare([movement(1)], [file_row(1)], rows))
    assert (one.break_class, one.between) == (break_class, "ledger_settlement")


def test_a_break_shows_what_the_third_party_says() -> None:
    one = only(compare([movement(1)], [file_row(1, fee=31)], [settled(1)]))
    assert one.settlement is not None
    assert (one.settlement.gross, one.settlement.merchant_fee, one.settlement.line) == (1000, 59, 2)


def test_a_break_keeps_its_id_while_it_stays_the_same_difference() -> None:
    before = only(compare([movement(1)], [file_row(1, fee=31)]))
    moved = only(compare([movement(1), movement(2)], [file_row(2), file_row(1, fee=31, line=9)]))
    worse = only(compare([movement(1)], [file_row(1, fee=32)]))
    assert before.id == moved.id != worse.id


def test_every_class_is_reached_by_these_tests() -> None:
    """`status_mismatch` of a provider's row is the judge's to say; it is tested with the ledger's state."""
    assert set(BREAK_CLASSES) == {
        "missing_in_provider", "missing_in_ledger", "amount_over", "amount_under", "fee_mismatch",
        "currency_mismatch", "status_mismatch", "duplicate", "orphan", "timing",
    }  # fmt: skip
