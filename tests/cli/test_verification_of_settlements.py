"""Books that do not bear out what was settled, and files that do not bear out the books."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from payrail.cli.verification import Report, verify_data_dir
from payrail.ledger.entry import Draft
from payrail.ledger.postings import transfer
from payrail.ledger.settlement import bank_postings, settlement_postings
from payrail.ledger.settlement_events import BankBooked, BankLine, SettlementCreated
from stand_ins.forged_ledger import draft_of, write_ledger
from stand_ins.merchant_books import DAY
from stand_ins.settled_books import SettledBooks

FILE = f"settlement/settlement_{DAY}.csv"


@pytest.fixture
def books(tmp_path: Path) -> SettledBooks:
    """Two merchants, a refund and a dispute; settled."""
    books = SettledBooks(tmp_path)
    books.refund(books.capture(6_000, 4_000), 1_000)
    books.dispute(books.capture(9_000, merchant="m_acme", currency="JPY"), 500)
    books.settle(DAY)
    return books


def found(report: Report) -> list[tuple[str, str, int | None]]:
    return [(finding.check, finding.file, finding.line) for finding in report.findings]


def prove(books: SettledBooks) -> list[tuple[str, str, int | None]]:
    return found(verify_data_dir(books.data_dir))


def forge(books: SettledBooks, entry_type: str, change: Callable[[Draft], Draft]) -> tuple[str, int]:
    """Rewrite the ledger soundly with the first entry of a type changed; where that one stands."""
    drafts = [draft_of(entry) for entry in books.journal.entries]
    index = next(number for number, draft in enumerate(drafts) if draft.type == entry_type)
    drafts[index] = change(drafts[index])
    write_ledger(books.data_dir, drafts)
    line = sum(draft.book == drafts[index].book for draft in drafts[: index + 1])
    return f"ledger/{drafts[index].book}.jsonl", line


def test_sound_books_are_sound(books: SettledBooks) -> None:
    assert prove(books) == []


def test_a_settlement_of_other_sums_than_its_movements_is_found(books: SettledBooks) -> None:
    """It is balanced, and posts what it says; only the movements say otherwise."""

    def one_unit_more(draft: Draft) -> Draft:
        assert isinstance(draft.data, SettlementCreated)
        first, *rest = draft.data.totals
        raised = replace(first, gross=first.gross + 1, net=first.net + 1, released=first.released + 1)
        data = replace(draft.data, totals=(raised, *rest))
        return replace(draft, data=data, postings=settlement_postings(data))

    place = forge(books, "settlement.created", one_unit_more)
    assert ("settlement", *place) in prove(books)


def test_a_settlement_that_leaves_a_movement_out_is_found(books: SettledBooks) -> None:
    def one_less(draft: Draft) -> Draft:
        assert isinstance(draft.data, SettlementCreated)
        first, *rest = draft.data.totals
        return replace(
            draft, data=replace(draft.data, totals=(replace(first, movements=first.movements - 1), *rest))
        )

    place = forge(books, "settlement.created", one_less)
    assert prove(books) == [("settlement", *place)]


def test_a_booking_that_expects_other_than_its_movements_is_found(books: SettledBooks) -> None:
    def other(draft: Draft) -> Draft:
        assert isinstance(draft.data, BankBooked)
        line, *rest = draft.data.lines
        data = replace(
            draft.data, lines=(BankLine(line.currency, line.expected + 1, line.received + 1), *rest)
        )
        return replace(draft, data=data, postings=bank_postings(data))

    place = forge(books, "bank.booked", other)
    assert prove(books) == [("bank_booking", *place)]


def test_a_receivable_that_is_not_its_open_items_is_found(books: SettledBooks) -> None:
    """An entry that is no movement posts on the provider's account."""

    def with_more(draft: Draft) -> Draft:
        return replace(draft, postings=transfer("provider_receivable:providerA", "suspense", 7, "USD"))

    forge(books, "payment.authorized", with_more)
    assert prove(books) == [("postings", "ledger/payments.jsonl", 3), ("receivable", "ledger", None)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("6000,204,5796", "6001,204,5797"),
        ("capture", "refund"),
        ("att_01JD", "att_01JE"),
        ("m_demo", "m_evil"),
    ],
)
def test_a_changed_row_is_found(books: SettledBooks, old: str, new: str) -> None:
    path = books.data_dir / FILE
    path.write_text(path.read_text().replace(old, new, 1))
    assert [finding[:2] for finding in prove(books)] == [("settlement", FILE)]


def test_a_row_too_few_or_too_many_or_out_of_place_is_found(books: SettledBooks) -> None:
    path = books.data_dir / FILE
    header, *rows = path.read_text().splitlines(keepends=True)
    for changed in (rows[1:], [*rows, rows[-1]], rows[::-1]):
        path.write_text("".join([header, *changed]))
        assert [finding[:2] for finding in prove(books)] == [("settlement", FILE)]


def test_totals_that_are_not_the_sums_of_the_rows_are_found(books: SettledBooks) -> None:
    path = books.data_dir / f"settlement/settlement_{DAY}.totals.json"
    path.write_text(path.read_text().replace('"fee": 350', '"fee": 351'))
    assert prove(books) == [("settlement", FILE, None)]


def test_a_file_without_the_other_is_found(books: SettledBooks) -> None:
    (books.data_dir / FILE).unlink()
    assert prove(books) == [("settlement", f"settlement/settlement_{DAY}.totals.json", None)]


def test_a_day_that_is_called_final_before_it_is_posted_is_found(books: SettledBooks) -> None:
    late = books.capture(777)
    books.settle(DAY, now=f"{DAY}T23:00:00.000Z")
    assert prove(books) == [], "the day is preliminary again in this file"
    path = books.data_dir / f"settlement/settlement_{DAY}.totals.json"
    path.write_text(path.read_text().replace("preliminary", "final"))
    assert late
    assert prove(books) == [("settlement", FILE, None)]


def test_movements_that_came_after_the_file_are_no_finding(books: SettledBooks) -> None:
    books.capture(777)
    books.write()
    assert prove(books) == []
