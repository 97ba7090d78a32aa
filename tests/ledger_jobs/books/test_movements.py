"""The scan of the books finds each movement of money at a provider, once, with what is needed to settle it."""

from pathlib import Path
from typing import Any

import pytest

from payrail.ledger_jobs.books import splitting
from payrail.ledger_jobs.books.movements import bytes_to_scan, read_movements
from payrail.runtime.journal import LedgerCorrupt
from stand_ins.forged_ledger import draft_of, write_ledger
from stand_ins.merchant_books import DAY, MerchantBooks


@pytest.fixture
def books() -> MerchantBooks:
    return MerchantBooks()


def written(books: MerchantBooks, tmp_path: Path) -> Path:
    write_ledger(tmp_path, [draft_of(entry) for entry in books.journal.entries])
    return tmp_path / "ledger"


def rows(directory: Path, date: str | None = None) -> list[dict[str, Any]]:
    return read_movements(directory, [date] if date else None).frame.to_dicts()


def test_partial_captures_are_rows_of_their_own(books: MerchantBooks, tmp_path: Path) -> None:
    payment_id = books.capture(600, 400)
    first, second = rows(written(books, tmp_path))
    assert (first["gross"], second["gross"]) == (600, 400)
    assert first["payment_id"] == second["payment_id"] == first["entity"] == payment_id
    attempts = [a.id for a in books.journal.state.payments[payment_id].attempts if a.operation == "capture"]
    assert [first["reference"], second["reference"]] == attempts
    assert (first["operation"], first["merchant_id"], first["provider"]) == ("capture", "m_demo", "providerA")
    assert (first["merchant_fee"], first["provider_fee"], first["currency"]) == (47, 59, "USD")
    assert (first["seq"], first["date"]) == (5, DAY)


def test_what_goes_back_is_negative_and_names_its_payment(books: MerchantBooks, tmp_path: Path) -> None:
    payment_id = books.capture(10_000, merchant="m_acme", currency="KWD")
    refund_id = books.refund(payment_id, 1_000)
    books.fail_late(refund_id)
    books.refund(payment_id, 500, succeeds=False)
    dispute_id = books.dispute(payment_id, 2_000)
    books.resolve(dispute_id, "WON")
    shown = rows(written(books, tmp_path))[1:]
    assert [(row["operation"], row["gross"]) for row in shown] == [
        ("refund", -1_000), ("refund_failed", 1_000), ("chargeback", -2_000), ("chargeback_won", 2_000),
    ]  # fmt: skip
    assert {(row["payment_id"], row["merchant_id"]) for row in shown} == {(payment_id, "m_acme")}
    assert [row["entity"] for row in shown] == [refund_id, refund_id, dispute_id, dispute_id]
    assert [(row["merchant_fee"], row["provider_fee"]) for row in shown[2:]] == [(5_000, 1_500), (0, 0)]
    references = books.journal.state.refunds[refund_id].attempts[-1].id
    assert [row["reference"] for row in shown[:2]] == [references, references]


def test_the_movements_add_up_to_the_receivable(books: MerchantBooks, tmp_path: Path) -> None:
    refunded = books.refund(books.capture(5_000))
    books.fail_late(refunded)
    books.dispute(books.capture(700, 300))
    shown = rows(written(books, tmp_path))
    open_items = sum(row["gross"] - row["provider_fee"] for row in shown)
    assert books.journal.state.balances.of("provider_receivable:providerA", "USD") == open_items


def test_a_day_is_utc_and_of_the_movement_not_of_its_payment(books: MerchantBooks, tmp_path: Path) -> None:
    payment_id = books.capture(1_000, at=f"{DAY}T23:59:59.999Z")
    books.refund(payment_id, at="2025-01-02T00:00:00.000Z")
    directory = written(books, tmp_path)
    assert [row["operation"] for row in rows(directory, DAY)] == ["capture"]
    assert [row["operation"] for row in rows(directory, "2025-01-02")] == ["refund"]
    assert read_movements(directory, [DAY]).through_seq == 8


def test_what_looks_like_a_movement_inside_other_data_is_none(books: MerchantBooks, tmp_path: Path) -> None:
    books.capture(1_000, metadata={"type": "payment.captured"})
    assert len(rows(written(books, tmp_path))) == 1


def test_an_unproved_line_is_refused_by_its_number(books: MerchantBooks, tmp_path: Path) -> None:
    books.capture(1_000)
    directory = written(books, tmp_path)
    path = directory / "payments.jsonl"
    path.write_bytes(
        path.read_bytes().replace(
            b'"amount":1000,"provider_reference":"ch', b'"amount":1001,"provider_reference":"ch'
        )
    )
    with pytest.raises(LedgerCorrupt, match=r"payments.jsonl line 5: the hash"):
        read_movements(directory)


def test_a_torn_last_line_is_not_looked_at(books: MerchantBooks, tmp_path: Path) -> None:
    books.capture(1_000)
    directory = written(books, tmp_path)
    path = directory / "payments.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[-1])
    assert (len(rows(directory)), read_movements(directory).through_seq) == (1, 5)


def test_a_ledger_without_an_entry_has_no_movements(tmp_path: Path) -> None:
    found = read_movements(tmp_path)
    assert (found.frame.height, found.through_seq) == (0, 0)
    assert "merchant_fee" in found.frame.columns


def test_processes_of_their_own_find_the_same_in_a_long_book(
    books: MerchantBooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in range(1, 30):
        books.capture(amount, 7)
    books.refund(books.capture(100))
    directory = written(books, tmp_path)
    advanced: list[int] = []
    at_once = read_movements(directory, advance=advanced.append)
    monkeypatch.setattr(splitting, "LONG_BYTES", 1)
    monkeypatch.setattr(splitting, "PART_BYTES", 20_000)
    in_parts = read_movements(directory, advance=advanced.append)
    assert in_parts.frame.equals(at_once.frame)
    assert sum(advanced) == 2 * bytes_to_scan(directory)
