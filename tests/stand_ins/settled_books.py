"""A merchant's books on disk, settled as the jobs settle them; providers' files agree unless a test says otherwise."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from payrail.ledger.entry import BOOKS
from payrail.ledger_jobs.books.movements import read_movements
from payrail.ledger_jobs.settlement.settle_day import SettledDay, Settling, settle_day
from stand_ins.forged_ledger import write_books
from stand_ins.job_origin import JOB
from stand_ins.merchant_books import MerchantBooks


class SettledBooks(MerchantBooks):
    """`paid` is what a provider's file says of a day where it does not agree with the books; none: there is no file."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        self.data_dir = data_dir
        self.paid: dict[tuple[str, str], Mapping[str, int] | None] = {}
        self._payouts = itertools.count(1)

    def settle(self, date: str, *, now: str = "2025-02-01T00:00:00.000Z") -> SettledDay:
        """Settle a day, and leave the ledger on disk as it is afterwards."""
        self.write()
        settling = Settling(
            self.journal,
            self.data_dir,
            lambda: replace(JOB, at=now),
            lambda prefix: f"{prefix}_01JD{next(self._payouts):A>22}",
            self._paid_out,
        )
        settled = asyncio.run(settle_day(settling, date))
        self.write()
        return settled

    def write(self) -> None:
        """Put the books into their files."""
        books: dict[str, list[bytes]] = {book: [] for book in BOOKS}
        for entry, line in zip(self.journal.entries, self.journal.lines, strict=True):
            books[entry.book].append(line)
        write_books(self.data_dir, books)

    def balance(self, account: str, currency: str = "USD") -> int:
        return self.journal.state.balances.of(account, currency)

    def file(self, date: str) -> str:
        return (self.data_dir / "settlement" / f"settlement_{date}.csv").read_text()

    async def _paid_out(self, provider: str, date: str) -> Mapping[str, int] | None:
        if (provider, date) in self.paid:
            return self.paid[provider, date]
        paid: Counter[str] = Counter()
        for row in read_movements(self.data_dir / "ledger", [date]).frame.iter_rows(named=True):
            if row["provider"] == provider:
                paid[row["currency"]] += row["gross"] - row["provider_fee"]
        return paid
