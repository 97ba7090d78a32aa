"""The reconciliation job: the closed days that may have something to find, or the day that somebody asks for."""

from collections.abc import Mapping
from typing import Any

from payrail.ledger_jobs.loops import Job, Run
from payrail.ledger_jobs.origins import origin_of
from payrail.ledger_jobs.reconciliation.reconcile_day import (
    ReconciledDay,
    Reconciling,
    due_days,
    reconcile_day,
)
from payrail.runtime.clock import Clock, rfc3339_of_ms


def reconciliation_job(reconciling: Reconciling, clock: Clock, interval_s: float) -> Job:
    """The job. A scheduled run that finds what is known already leaves no trace in the history."""

    async def due(correlation_id: str) -> list[str]:
        downloads = reconciling.downloads
        paid = await downloads.days(correlation_id) if downloads is not None else {}
        return due_days(reconciling, rfc3339_of_ms(clock.now_ms())[:10], paid)

    async def work(run: Run) -> Mapping[str, Any]:
        await reconciling.books.catch_up()
        days = []
        for date in [run.params["date"]] if "date" in run.params else await due(run.correlation_id):
            day = await reconcile_day(reconciling, date, origin_of(run, clock), _progress_of(run))
            if day.changed or day.entries:
                await run.begin()
            days.append(_told(day))
        return {"days": days}

    return Job("reconciliation", interval_s, work)


def _progress_of(run: Run) -> Any:
    """Progress is for those who wait: a scheduled run that changes nothing is not to be noted for it."""

    async def progress(done: int, total: int) -> None:
        if run.trigger == "request":
            await run.progress(done, total)

    return progress


def _told(day: ReconciledDay) -> dict[str, Any]:
    """What the history keeps of a day."""
    breaks: dict[str, int] = {}
    for outcome in day.report.outcomes:
        for name, count in outcome.breaks.items():
            breaks[name] = breaks.get(name, 0) + count
    return {
        "date": day.report.date,
        "status": day.report.status,
        "changed": day.changed,
        "entries": day.entries,
        "matched": day.report.matched,
        "breaks": breaks,
    }
