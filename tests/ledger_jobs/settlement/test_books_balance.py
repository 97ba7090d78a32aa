"""Whatever happens to payments: the books sum to zero, receivables are open items, every movement is settled once."""

import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.cli.verification import verify_data_dir
from payrail.gateway.domain.errors import Refusal
from payrail.ledger.transitions import InvalidTransition
from payrail.ledger_jobs.books.movements import read_movements
from payrail.ledger_jobs.settlement.settle_day import due_days
from stand_ins.settled_books import SettledBooks

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
END = "2025-02-01"

steps = st.tuples(
    st.sampled_from(
        ["capture", "parts", "refund", "fail", "late failure", "dispute", "won", "lost", "settle", "next day"]
    ),
    st.integers(0, 1_000),
    st.integers(1, 20_000),
    st.sampled_from(["USD", "JPY", "KWD"]),
    st.sampled_from(["m_demo", "m_acme"]),
)


class Scenario:
    """Takes random steps; what the books refuse does not happen."""

    def __init__(self, data_dir: Path) -> None:
        self.books = SettledBooks(data_dir)
        self.day = 0
        self.payments: list[str] = []
        self.refunds: list[str] = []
        self.disputes: list[str] = []

    def take(self, step: tuple[str, int, int, str, str]) -> None:
        name, pick, amount, currency, merchant = step
        at = f"{DAYS[self.day]}T{12 + pick % 11:02d}:00:00.000Z"
        with contextlib.suppress(Refusal, InvalidTransition):  # The step may not be possible now.
            self._take(name, pick, amount, currency, merchant, at)

    def _take(self, name: str, pick: int, amount: int, currency: str, merchant: str, at: str) -> None:
        books = self.books
        where: dict[str, Any] = {"currency": currency, "merchant": merchant, "at": at}
        match name:
            case "capture":
                self.payments.append(books.capture(amount, **where, provider_fee=amount // 30))
            case "parts":
                self.payments.append(books.capture(amount, 1 + amount // 3, **where, provider_fee=pick))
            case "refund" if self.payments:
                part = 1 + amount % 500
                self.refunds.append(books.refund(_one(self.payments, pick), part, at=at))
            case "fail" if self.payments:
                books.refund(_one(self.payments, pick), None, at=at, succeeds=False)
            case "late failure" if self.refunds:
                books.fail_late(self.refunds.pop(pick % len(self.refunds)), at=at)
            case "dispute" if self.payments:
                dispute = books.dispute(_one(self.payments, pick), 1 + amount % 700, at=at, provider_fee=pick)
                self.disputes.append(dispute)
            case "won" | "lost" if self.disputes:
                books.resolve(self.disputes.pop(pick % len(self.disputes)), name.upper(), at=at)
            case "settle":
                self._settle(DAYS[pick % (self.day + 1)], amount)
            case "next day":
                self.day = min(self.day + 1, len(DAYS) - 1)

    def _settle(self, date: str, amount: int) -> None:
        """Providers' files agree, or are a little off, or are not there."""
        off: Any = {0: None, 1: {"USD": amount, "KWD": -3}}.get(amount % 5, "agrees")
        if off == "agrees":
            self.books.paid.clear()
        else:
            self.books.paid = {(provider, date): off for provider in ("providerA", "providerB")}
        self.books.settle(date, now=f"{DAYS[self.day]}T23:59:59.999Z")


def _one(ids: list[str], pick: int) -> str:
    return ids[pick % len(ids)]


def _settle_the_rest(books: SettledBooks) -> None:
    books.paid.clear()
    for date in due_days(books.journal.state, END):
        books.settle(date)


@settings(max_examples=25)
@given(st.lists(steps, max_size=30))
def test_books_balance_after_any_scenario(scenario: list[tuple[str, int, int, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        done = Scenario(Path(directory))
        for step in scenario:
            done.take(step)
        books = done.books
        books.write()
        assert verify_data_dir(books.data_dir).findings == []
        _settle_the_rest(books)
        assert verify_data_dir(books.data_dir).findings == []
        assert books.journal.state.balances.out_of_balance() == {}
        entries = len(books.journal.entries)
        _settle_the_rest(books)
        assert (len(books.journal.entries), due_days(books.journal.state, END)) == (entries, [])
        _require_all_settled_once(books)


def _require_all_settled_once(books: SettledBooks) -> None:
    """What was released of each merchant is what its captures made; nothing is pending or receivable any more."""
    released: Counter[tuple[str, str]] = Counter()
    for entry in books.journal.entries:
        if entry.type == "settlement.created":
            for total in entry.data.totals:
                released[entry.data.merchant_id, total.currency] += total.released
    captured: Counter[tuple[str, str]] = Counter()
    for row in read_movements(books.data_dir / "ledger").frame.iter_rows(named=True):
        if row["operation"] == "capture":
            captured[row["merchant_id"], row["currency"]] += row["gross"] - row["merchant_fee"]
    assert released == captured
    for (account, currency), balance in books.journal.state.balances.items():
        if account.startswith(
            ("merchant_pending", "provider_receivable", "payout_clearing", "refund_clearing")
        ):
            assert balance == 0, (account, currency)
        if account.startswith("merchant_available"):
            assert balance >= 0, "what is available was paid out; who owes, owes"
