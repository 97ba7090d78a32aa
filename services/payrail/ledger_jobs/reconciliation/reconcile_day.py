"""Reconciling a UTC day: have the providers' files, compare, write the report, and tell each merchant what came of it.

An open day is preliminary: its report is written, and no entry made. Of a closed one each merchant gets an entry when
the result changed, so that a rerun that finds the same adds nothing.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from payrail.ledger.settlement_events import ReconciliationCompleted
from payrail.ledger_jobs.books.entering import Books, JobOrigin
from payrail.ledger_jobs.books.movements import bytes_to_scan
from payrail.ledger_jobs.days import FutureDate, Progress, untold, watched
from payrail.ledger_jobs.provider_files.downloads import PROVIDERS, ProviderDownloads
from payrail.ledger_jobs.reconciliation import decisions, store
from payrail.ledger_jobs.reconciliation.breaks import Outcome, Report
from payrail.runtime.durable_file import exclusive, replace_file

if TYPE_CHECKING:
    from payrail.ledger_jobs.reconciliation.three_way import Judge


class ProviderFileUnavailable(Exception):
    """A provider did not hand its settlement file over. Asking again later is safe."""

    code: ClassVar[str] = "provider_unavailable"

    def __init__(self, provider: str, date: str) -> None:
        self.detail = f"{provider} did not hand over its settlement file for {date}."
        super().__init__(self.detail)


class Reconciling(Struct, frozen=True):
    """What reconciling stands on. `tolerance_days` is the n of T+n; `judge` judges by the books as they are then.

    Without `downloads` there is no provider to ask, and the files that came last are taken.
    """

    books: Books
    data_dir: Path
    downloads: ProviderDownloads | None
    tolerance_days: int
    judge: "Callable[[], Judge]"
    directory: ClassVar[str] = "reconciliation"

    @property
    def reports(self) -> Path:
        """Where the reports are."""
        return self.data_dir / self.directory

    @property
    def provider_files(self) -> Path:
        """Where the providers' files are kept as they came, so that a person can look a line of a break up."""
        return self.reports / "provider_files"


class ReconciledDay(Struct, frozen=True):
    """What a run made of a day; `changed` says whether the report is another than before."""

    report: Report
    changed: bool
    entries: int


async def reconcile_day(
    reconciling: Reconciling, date: str, origin: JobOrigin, progress: Progress = untold
) -> ReconciledDay:
    """Reconcile the UTC day `date` as it stands by now.

    Raises `FutureDate`, `ProviderFileUnavailable`, `ProviderFileInvalid`, and what the journal and the books raise.
    """
    today = origin.at[:10]
    if date > today:
        raise FutureDate(date)
    await _fetch_files(reconciling, date, today, origin.correlation_id)
    report = await _compared(reconciling, date, final=date < today, progress=progress)
    before = await asyncio.to_thread(store.read_report, reconciling.reports, date)
    changed = await asyncio.to_thread(store.write_report, reconciling.reports, report)
    entries = 0
    if report.status == "final":
        for data in _told(report, before):
            decide = decisions.complete_reconciliation(data, origin)
            entries += await reconciling.books.append("payments", decide) is not None
    return ReconciledDay(report, changed, entries)


def due_days(reconciling: Reconciling, today: str, paid: Mapping[str, Collection[str]]) -> list[str]:
    """The closed days to look at, oldest first: those without a report, and those that a late item can still change.

    `paid` are the days of which each provider has something: that the books have nothing of one is a break at least.
    """
    day, reach = dt.date.fromisoformat(today), 2 * reconciling.tolerance_days + 1
    recent = {str(day - dt.timedelta(days=ago)) for ago in range(1, reach + 1)}
    known = {*list(reconciling.books.state.days), *(date for dates in paid.values() for date in dates)}
    moved = {date for date in known if date < today}
    reported = set(store.dates(reconciling.reports))
    return sorted((moved - reported) | (recent & (moved | reported)))


# ---- the steps ------------------------------------------------------------------------------------------------------


async def _fetch_files(reconciling: Reconciling, date: str, today: str, correlation_id: str) -> None:
    """Before the books are read: what a provider does meanwhile is in the books of an open day, and not amiss here."""
    from payrail.ledger_jobs.reconciliation.compare_day import days_around

    if reconciling.downloads is None:
        return
    for provider in PROVIDERS:
        for day in days_around(date, reconciling.tolerance_days):
            if day <= today:
                content = await reconciling.downloads.file(provider, day, correlation_id)
                if content is None:
                    raise ProviderFileUnavailable(provider, day)
                path = reconciling.provider_files / f"{provider}_{day}.csv"
                await asyncio.to_thread(_keep, path, content)


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.parent / ".files.lock"):
        if not path.exists() or path.read_bytes() != content:
            replace_file(path, [content], durable=False)


async def _compared(reconciling: Reconciling, date: str, *, final: bool, progress: Progress) -> Report:
    """The comparison, made beside the event loop; a run that waits tells how far it is."""
    from payrail.ledger_jobs.reconciliation.compare_day import Sources, compare_day

    data_dir = reconciling.data_dir
    sources = Sources(data_dir / "ledger", data_dir / "settlement", reconciling.provider_files)
    await reconciling.books.catch_up()
    compare = partial(
        compare_day, date, reconciling.tolerance_days, sources, reconciling.judge(), final=final
    )
    return await watched(lambda advance: compare(advance=advance), bytes_to_scan(sources.ledger), progress)


def _told(report: Report, before: Report | None) -> Iterator[ReconciliationCompleted]:
    """What each merchant is told; one of whose breaks nothing is left, too."""
    now = {one.merchant_id: one for one in report.outcomes}
    gone = {one.merchant_id for one in before.outcomes} - now.keys() if before is not None else set()
    for merchant_id in sorted(name for name in now.keys() | gone if name is not None):
        outcome = now.get(merchant_id, Outcome(merchant_id=merchant_id, matched=0, breaks={}))
        yield ReconciliationCompleted(merchant_id, report.date, outcome.matched, outcome.breaks)
