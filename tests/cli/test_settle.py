"""`payrail settle` without a running stack, and beside one."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from payrail.cli.main import main
from payrail.cli.verification import verify_data_dir
from payrail.ledger_jobs.books import splitting
from stand_ins.merchant_books import DAY
from stand_ins.settled_books import SettledBooks


@pytest.fixture
def books(tmp_path: Path) -> SettledBooks:
    return SettledBooks(tmp_path)


def settle(books: SettledBooks, *more: str) -> Result:
    return CliRunner().invoke(main, ["settle", "--date", DAY, "--data-dir", str(books.data_dir), *more])


def test_a_day_is_settled_from_the_files_alone(books: SettledBooks) -> None:
    payment_id = books.capture(10_000)
    books.refund(payment_id, 1_000)
    books.dispute(books.capture(8_000, merchant="m_acme", currency="JPY"), 500)
    books.write()
    done = settle(books)
    assert done.exit_code == 0, done.output
    assert "4 movements" in done.output
    assert "m_demo  providerA  2 movements  gross 90.00 USD  fee 3.20 USD  net 86.80 USD" in done.output
    assert "2 settlements, 0 bookings of the bank, 2 payouts" in done.output
    report = verify_data_dir(books.data_dir)
    assert report.findings == []
    balances = {(a.account, a.currency): a.balance for a in report.summary.accounts}
    assert balances["merchant_available:m_demo", "USD"] == balances["merchant_pending:m_demo", "USD"] == 0
    assert "0 settlements, 0 bookings of the bank, 0 payouts" in settle(books).output
    assert verify_data_dir(books.data_dir).summary.entries == report.summary.entries


def test_a_long_ledger_is_settled_the_same(books: SettledBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    for amount in range(1_000, 1_020):
        books.capture(amount)
    books.settle(DAY)
    books.capture(500)
    books.write()
    monkeypatch.setattr(splitting, "LONG_BYTES", 1)
    monkeypatch.setattr(splitting, "PART_BYTES", 20_000)
    done = settle(books)
    assert "21 movements" in done.output
    assert "1 settlements, 0 bookings of the bank, 1 payouts" in done.output
    assert verify_data_dir(books.data_dir).findings == []


def test_totals_come_as_json(books: SettledBooks) -> None:
    books.capture(10_000)
    books.write()
    shown = msgspec.json.decode(settle(books, "--json").output)
    assert (shown["date"], shown["status"], shown["totals"][0]["net"]) == (DAY, "final", 9_680)


def test_a_day_that_has_not_begun_is_refused_in_one_line(books: SettledBooks) -> None:
    books.write()
    done = CliRunner().invoke(main, ["settle", "--date", "2999-01-01", "--data-dir", str(books.data_dir)])
    assert (done.exit_code, done.output) == (
        1,
        "Error: 2999-01-01 has not begun: there is nothing of it yet.\n",
    )


def test_a_broken_ledger_is_left_as_it_is(books: SettledBooks) -> None:
    books.capture(10_000)
    books.write()
    path = books.data_dir / "ledger" / "payments.jsonl"
    broken = path.read_bytes().replace(
        b'"amount":10000,"provider_reference":"ch', b'"amount":1,"provider_reference":"ch'
    )
    path.write_bytes(broken)
    done = settle(books)
    assert done.exit_code == 1
    assert "payments.jsonl line 5: the hash does not match" in done.output
    assert path.read_bytes() == broken
