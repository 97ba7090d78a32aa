"""Comparing a day from the files alone: the books, PayRail's settlement file, and what the providers handed over."""

import datetime as dt
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import polars as pl
from msgspec import Struct

from payrail.ledger_jobs.books.movements import read_movements
from payrail.ledger_jobs.provider_files.dialects import PROVIDERS, empty_provider_rows, parse_provider_file
from payrail.ledger_jobs.reconciliation.breaks import Report, SourceRows
from payrail.ledger_jobs.reconciliation.report import report_of
from payrail.ledger_jobs.reconciliation.three_way import Judge, reconcile
from payrail.ledger_jobs.settlement.files import read_rows
from payrail.ledger_jobs.settlement.totals import csv_path, read_totals


class Sources(Struct, frozen=True):
    """Where the parties' files are: the books, PayRail's settlement files, and the providers' files as they came."""

    ledger: Path
    settlement: Path
    provider_files: Path

    def provider_file(self, provider: str, date: str) -> Path:
        """Where the file of a provider and a day is, once it came."""
        return self.provider_files / f"{provider}_{date}.csv"


def days_around(date: str, tolerance_days: int) -> list[str]:
    """The days that are looked at for one day's report: it alone is judged, but not by itself. Where the calendar
    begins or ends they are fewer."""
    day, reach = dt.date.fromisoformat(date).toordinal(), 2 * tolerance_days
    first, last = max(day - reach, dt.date.min.toordinal()), min(day + reach, dt.date.max.toordinal())
    return [str(dt.date.fromordinal(one)) for one in range(first, last + 1)]


def compare_day(
    date: str,
    tolerance_days: int,
    sources: Sources,
    judge: Judge,
    *,
    final: bool,
    advance: Callable[[int], None] = lambda _bytes: None,
) -> Report:
    """The report of a day. `advance` is told of the bytes of the books as they are dealt with.

    A provider's file that never came is a file without rows. Raises `ProviderFileInvalid`, and what the books raise.
    """
    days = days_around(date, tolerance_days)
    provider_rows, providers = _provider_rows(date, days, sources)
    settlement_rows, settlement = _settlement_rows(date, sources)
    movements = read_movements(sources.ledger, days, advance=advance).frame.drop("at")
    compared = reconcile(date, tolerance_days, movements, provider_rows, settlement_rows, judge)
    return report_of(
        date, tolerance_days, compared, movements, settlement_rows,
        final=final, settlement=settlement, providers=providers,
    )  # fmt: skip


def _provider_rows(
    date: str, days: Sequence[str], sources: Sources
) -> tuple[pl.DataFrame, dict[str, SourceRows]]:
    frames, read = [empty_provider_rows()], {}
    for provider in PROVIDERS:
        for day in days:
            path = sources.provider_file(provider, day)
            content = path.read_bytes() if path.exists() else b""
            if content:
                frames.append(parse_provider_file(provider, day, content))
            if content and day == date:
                read[provider] = SourceRows(frames[-1].height, sha256(content).hexdigest())
    return pl.concat(frames), read


def _settlement_rows(date: str, sources: Sources) -> tuple[pl.DataFrame | None, SourceRows | None]:
    """PayRail's own file, none where the day has not been settled for good: what is preliminary is soon untrue."""
    totals = read_totals(sources.settlement, date)
    if totals is None or totals.status != "final":
        return None, None
    path = csv_path(sources.settlement, date)
    rows = read_rows(sources.settlement, date).drop("at", "net", "seq")
    return rows, SourceRows(rows.height, sha256(path.read_bytes()).hexdigest())
