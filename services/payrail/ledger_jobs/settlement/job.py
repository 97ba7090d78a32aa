"""The settlement job: every closed day that is not settled yet, or the day that somebody asks for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from payrail.ledger_jobs.loops import Job, Run
from payrail.ledger_jobs.origins import origin_of
from payrail.ledger_jobs.provider_files.downloads import ProviderDownloads
from payrail.ledger_jobs.settlement.settle_day import (
    PaidOut,
    Settling,
    UnwrittenDays,
    due_days,
    settle_day,
    unbooked_days,
)
from payrail.runtime.clock import Clock, rfc3339_of_ms
from payrail.runtime.journal import Journal


def settlement_job(
    journal: Journal,
    downloads: ProviderDownloads,
    *,
    data_dir: Path,
    clock: Clock,
    new_id: Callable[[str], str],
    interval_s: float,
) -> Job:
    """The job over the journal; `new_id` makes the ids of payouts."""

    unwritten = UnwrittenDays(data_dir / Settling.files)

    def due() -> list[str]:
        today = rfc3339_of_ms(clock.now_ms())[:10]
        return sorted({*due_days(journal.state, today), *unwritten.among(journal.state, today)})

    async def due_everywhere(correlation_id: str) -> list[str]:
        """Those that the books know of, and those that providers paid of unknown to them."""
        paid = await downloads.days(correlation_id)
        today = rfc3339_of_ms(clock.now_ms())[:10]
        return sorted({*due(), *unbooked_days(journal.state, today, paid)})

    async def work(run: Run) -> Mapping[str, Any]:
        await journal.catch_up()
        dates = [run.params["date"]] if "date" in run.params else await due_everywhere(run.correlation_id)
        if dates:
            await run.begin()
        settling = Settling(
            journal, data_dir, lambda: origin_of(run, clock), new_id, paid_out(downloads, run.correlation_id)
        )
        days = [await settle_day(settling, date, run.progress) for date in dates]
        return {"days": msgspec.to_builtins(days)}

    return Job("settlement", interval_s, work, backlog=lambda: len(due()))


def paid_out(downloads: ProviderDownloads, correlation_id: str) -> PaidOut:
    """What the providers' files say they paid."""

    async def read(provider: str, date: str) -> Mapping[str, int] | None:
        content = await downloads.file(provider, date, correlation_id)
        if content is None:
            return None
        from payrail.ledger_jobs.provider_files import dialects

        return dialects.paid_out(dialects.parse_provider_file(provider, date, content))

    return read
