"""Settling a UTC day: what is pending becomes available, the bank has what providers paid, merchants are paid out.

An open day is preliminary: its file is written, and nothing is posted. A closed one is posted once per movement,
however often it runs: each run covers the movements that the runs before it did not, late ones included.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from payrail.ledger import accounts
from payrail.ledger.settlement import BankBooking, JobRecord, Settlement, bank_booking_id, settlement_id
from payrail.ledger.settlement_events import BankBooked, BankLine, SettlementCreated
from payrail.ledger.state import LedgerState
from payrail.ledger_jobs.books.entering import Books, Decide, JobOrigin
from payrail.ledger_jobs.books.movements import bytes_to_scan, read_movements
from payrail.ledger_jobs.days import FutureDate, Progress, untold, watched
from payrail.ledger_jobs.provider_files.downloads import PROVIDERS, PaidDays
from payrail.ledger_jobs.settlement import decisions
from payrail.ledger_jobs.settlement.totals import Status, read_totals

if TYPE_CHECKING:
    import polars as pl

#: What a provider paid out of a day, minor units by currency; none where its file cannot be had.
PaidOut = Callable[[str, str], Awaitable[Mapping[str, int] | None]]


class SettlementNotFound(Exception):
    """The day was never settled, or nothing of it is the merchant's."""

    code = "not_found"
    detail = "No settlement of this day."


class SettledDay(Struct, frozen=True):
    """What a run made of a day: how many entries of each kind it appended."""

    date: str
    status: str
    rows: int
    settlements: int = 0
    bank_bookings: int = 0
    payouts: int = 0


class Settling(Struct, frozen=True):
    """What settling stands on. `origin` names who runs it, and now; `new_id` makes the ids of payouts."""

    books: Books
    data_dir: Path
    origin: Callable[[], JobOrigin]
    new_id: Callable[[str], str]
    paid_out: PaidOut
    ledger: ClassVar[str] = "ledger"
    files: ClassVar[str] = "settlement"


async def settle_day(settling: Settling, date: str, progress: Progress = untold) -> SettledDay:
    """Settle the UTC day `date`, as far as it can be settled now.

    The files are written last: what they call final is in the ledger. Raises `FutureDate`, `LedgerCorrupt` and
    `LedgerBusy` of the scan, and what the books raise.
    """
    today = settling.origin().at[:10]
    if date > today:
        raise FutureDate(date)
    ledger = settling.data_dir / settling.ledger
    read = partial(read_movements, ledger, [date])
    movements = (await watched(lambda advance: read(advance=advance), bytes_to_scan(ledger), progress)).frame
    # Not before the scan, whose thread has loaded what this loads: the event loop does not wait for it.
    from payrail.ledger_jobs.settlement import files

    rows = await asyncio.to_thread(files.settlement_rows, movements)
    settled = SettledDay(date, "preliminary", rows.height)
    if date < today:
        await settling.books.catch_up()
        settlements = await _settle_merchants(settling, date, rows)
        bookings = await _book_bank(settling, date, movements)
        payouts = await _pay_out(settling)
        settled = SettledDay(date, "final", rows.height, settlements, bookings, payouts)
    status: Status = "final" if date < today else "preliminary"
    totals = await asyncio.to_thread(files.day_totals, date, status, rows)
    await asyncio.to_thread(files.write_day, settling.data_dir / settling.files, rows, totals)
    return settled


def due_days(state: LedgerState, today: str) -> list[str]:
    """The closed days of which something is not settled, oldest first."""
    return sorted(
        date
        for date, day in list(state.days.items())
        if date < today
        and (
            any(seq > _covered(state, date, owner) for owner, seq in list(day.newest_of_merchant.items()))
            or any(seq > _booked(state, date, owner) for owner, seq in list(day.newest_of_provider.items()))
        )
    )


def unbooked_days(state: LedgerState, today: str, paid: Mapping[str, PaidDays]) -> set[str]:
    """The closed days of which a provider paid, by its own word, something else than the bank has.

    The bank may know nothing of it: a refund that failed late stands in the books when the provider told of it. Or the
    provider has made its file anew since.
    """
    return {
        date
        for provider, days in paid.items()
        for date, amounts in days.items()
        if date < today and amounts is not None and _money(amounts) != _received(state, date, provider)
    }


class UnwrittenDays:
    """The closed days whose files do not say all that is settled: a process died before it wrote them.

    What is written for good is looked at once.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written: dict[str, int] = {}

    def among(self, state: LedgerState, today: str) -> list[str]:
        """Oldest first."""
        return sorted(
            date
            for date, day in list(state.days.items())
            if date < today and not self._has(date, max(list(day.newest_of_merchant.values())))
        )

    def _has(self, date: str, newest: int) -> bool:
        """Whether the day's final file goes as far as the newest movement."""
        if self._written.get(date, 0) < newest:
            totals = read_totals(self._directory, date)
            if totals is not None and totals.status == "final":
                self._written[date] = totals.through_seq
        return self._written.get(date, 0) >= newest


def _booked(state: LedgerState, date: str, provider: str) -> int:
    return _through(state.records.get(bank_booking_id(date, provider)))


def _covered(state: LedgerState, date: str, merchant_id: str) -> int:
    return _through(state.records.get(settlement_id(date, merchant_id)))


def _received(state: LedgerState, date: str, provider: str) -> dict[str, int]:
    """What the bank has of the provider's day, by currency."""
    record = state.records.get(bank_booking_id(date, provider))
    lines = record.lines if isinstance(record, BankBooking) else ()
    return _money({line.currency: line.received for line in lines})


def _money(amounts: Mapping[str, int]) -> dict[str, int]:
    """The amounts that are not zero."""
    return {currency: amount for currency, amount in amounts.items() if amount}


def _through(record: JobRecord | None) -> int:
    return record.through_seq if isinstance(record, Settlement | BankBooking) else 0


# ---- the steps ------------------------------------------------------------------------------------------------------


async def _settle_merchants(settling: Settling, date: str, rows: "pl.DataFrame") -> int:
    import polars as pl

    from payrail.ledger_jobs.settlement.files import totals_of

    appended = 0
    for merchant_id in rows["merchant_id"].unique().sort():
        covered = _covered(settling.books.state, date, merchant_id)
        fresh = rows.filter((pl.col("merchant_id") == merchant_id) & (pl.col("seq") > covered))
        if fresh.height:
            totals = tuple(total.settled() for total in totals_of(fresh))
            data = SettlementCreated(merchant_id, date, covered + 1, _newest(fresh), totals)
            appended += await _append(settling, decisions.settle(data, settling.origin()))
    return appended


async def _book_bank(settling: Settling, date: str, movements: "pl.DataFrame") -> int:
    """Book what each provider's own file says it paid, as far as it was not booked before."""
    import polars as pl

    appended = 0
    for provider in PROVIDERS:
        paid = await settling.paid_out(provider, date)
        if paid is None:
            continue
        record = settling.books.state.records.get(bank_booking_id(date, provider))
        booking = record if isinstance(record, BankBooking) else None
        covered = _through(booking)
        fresh = movements.filter((pl.col("provider") == provider) & (pl.col("seq") > covered))
        lines = _bank_lines(fresh, paid, booking.lines if booking else ())
        if lines:
            through_seq = _newest(fresh) if fresh.height else covered
            data = BankBooked(provider, date, covered + 1, through_seq, lines)
            appended += await _append(settling, decisions.book_bank(data, booking, settling.origin()))
    return appended


def _bank_lines(
    fresh: "pl.DataFrame", paid: Mapping[str, int], booked: Sequence[BankLine]
) -> tuple[BankLine, ...]:
    """What changed by currency: what was not expected yet, and what was not received yet. A file that comes to nothing
    is a line, too, where it is the first of its day: so it is known to be booked."""
    import polars as pl

    due = fresh.group_by("currency").agg((pl.col("gross") - pl.col("provider_fee")).sum())
    expected: dict[str, int] = dict(due.iter_rows())
    received = {line.currency: line.received for line in booked}
    lines = (
        BankLine(currency, expected.get(currency, 0), paid.get(currency, 0) - received.get(currency, 0))
        for currency in sorted({*expected, *paid, *received})
    )
    return tuple(line for line in lines if line.currency in expected or line.received or not booked)


async def _pay_out(settling: Settling) -> int:
    """Pay out what is available to any merchant, and end the payouts that an earlier run began."""
    state, appended = settling.books.state, 0
    for merchant_id, currency in _with_money(state):
        payout_id = settling.new_id("pyt")
        begun = decisions.create_payout(payout_id, merchant_id, currency, settling.origin())
        appended += await _append(settling, begun)
    for payout_id in list(state.open_payouts):
        await _append(settling, decisions.pay_payout(payout_id, settling.origin()))
    return appended


def _with_money(state: LedgerState) -> list[tuple[str, str]]:
    return [
        (merchant_id, currency)
        for merchant_id, balances in sorted(state.balances_of.items())
        for (account, currency), amount in balances.items()
        if account == accounts.merchant_available(merchant_id) and amount < 0
    ]


async def _append(settling: Settling, decide: Decide) -> int:
    return int(await settling.books.append("payments", decide) is not None)


def _newest(rows: "pl.DataFrame") -> int:
    newest: Any = rows["seq"].max()
    return int(newest)
