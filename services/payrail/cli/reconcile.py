"""`payrail reconcile --date D`: reconcile a UTC day, by the running stack if there is one, else right here."""

import asyncio
import contextlib
import datetime
import getpass
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payrail.cli.data_directory import DirectoryInUse, claimed, existing_data_dir
from payrail.cli.paths import existing_data_dir_option
from payrail.cli.progress import Bar
from payrail.cli.refusals import told_in_one_line
from payrail.ledger.money import Money
from payrail.runtime.settings import load_settings

if TYPE_CHECKING:
    from payrail.ledger_jobs.reconciliation.break_states import BreakState, Said
    from payrail.ledger_jobs.reconciliation.breaks import Break, Report, Side

_BREAKS_SHOWN_MAX = 50


@click.command()
@click.option(
    "--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The UTC day, as 2026-03-02."
)
@existing_data_dir_option
@click.option("--explain", metavar="BREAK", help="Say that this break is explained; needs --why.")
@click.option("--close", metavar="BREAK", help="Say that this break is closed; needs --why.")
@click.option("--reopen", metavar="BREAK", help="Say that this break is open again; needs --why.")
@click.option("--why", help="The reason for what is said of a break.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def reconcile(
    day: datetime.datetime,
    data_dir: Path | None,
    explain: str | None,
    close: str | None,
    reopen: str | None,
    why: str | None,
    *,
    as_json: bool,
) -> None:
    """Compare a UTC day's ledger with PayRail's settlement file and with what each provider says.

    Exit status 0: nothing differs, or all that does is explained or closed; 1: there are open breaks. Where a stack
    runs on the data directory, it does the work, and asks the providers for their files. Where none runs, the files
    that came last are taken. What is said of a break here, who said it and why is kept beside the reports; a break that
    is no merchant's, an orphan, is explained and closed in no other way.
    """
    date = day.date().isoformat()
    wishes: dict[BreakState, str | None] = {"explained": explain, "closed": close, "open": reopen}
    words = {state: break_id for state, break_id in wishes.items() if break_id is not None}
    if words and not (why and why.strip()):
        raise click.UsageError("what is said of a break needs a reason: --why")
    with told_in_one_line():
        directory = existing_data_dir(data_dir)
        try:
            with claimed(directory):
                _reconcile_here(directory, date)
        except DirectoryInUse:
            _reconcile_there(day.date())
        for state, break_id in words.items():
            _say(directory, date, break_id, state, why or "")
    sys.exit(1 if _print(directory, date, as_json=as_json) else 0)


def _reconcile_here(directory: Path, date: str) -> None:
    from payrail.ledger.entry import BrokenLine
    from payrail.ledger_jobs.books.entering import JobOrigin
    from payrail.ledger_jobs.books.scanned import ScannedBooks
    from payrail.ledger_jobs.days import FutureDate
    from payrail.ledger_jobs.origins import JOBS_ACTOR
    from payrail.ledger_jobs.provider_files.dialects import ProviderFileInvalid
    from payrail.ledger_jobs.provider_files.downloads import PROVIDERS
    from payrail.ledger_jobs.reconciliation.reconcile_day import Reconciling, reconcile_day
    from payrail.ledger_jobs.reconciliation.scanned_references import judge_by_scan
    from payrail.runtime.clock import SystemClock, rfc3339_of_ms
    from payrail.runtime.ids import IdSource
    from payrail.runtime.journal import LedgerCorrupt, LedgerUnavailable
    from payrail.runtime.journal.ledger_snapshot import LedgerBusy

    clock = SystemClock(directory / "clock.json")
    ids = IdSource(clock, random.SystemRandom())
    origin = JobOrigin(JOBS_ACTOR, ids.new("run"), rfc3339_of_ms(clock.now_ms()))
    try:
        books = ScannedBooks(directory / "ledger", lambda: ids.new("le"))
        with contextlib.closing(books), Bar("Reconciling") as bar:
            reconciling = Reconciling(
                books, directory, None, load_settings().reconciliation_tolerance_days,
                lambda: judge_by_scan(directory / "ledger"),
            )  # fmt: skip
            for provider in PROVIDERS:
                if not (reconciling.provider_files / f"{provider}_{date}.csv").exists():
                    raise click.ClickException(
                        f"no file of {provider} for {date} has come; start a stack that can ask for it"
                    )
            asyncio.run(reconcile_day(reconciling, date, origin, bar.show))
    except (FutureDate, LedgerBusy, LedgerCorrupt, LedgerUnavailable, BrokenLine) as error:
        raise click.ClickException(str(error)) from None
    except ProviderFileInvalid as error:
        raise click.ClickException(error.detail) from None


def _reconcile_there(day: datetime.date) -> None:
    from payrail.cli.running_jobs import RunningJobs
    from payrail_sdk.ledger_jobs.api.reconciliation import run_reconciliation
    from payrail_sdk.ledger_jobs.models import RunReconciliationRequest

    with Bar("Reconciling") as bar, RunningJobs(load_settings()) as jobs:
        jobs.do(
            "reconciliation",
            lambda client: run_reconciliation.sync(day, client=client, body=RunReconciliationRequest()),
            bar,
        )


def _say(directory: Path, date: str, break_id: str, state: "BreakState", why: str) -> None:
    """Write down what the person at the keyboard says of a break, whoever's it is."""
    from payrail.ledger_jobs.reconciliation.break_states import BreakStates, BreakTransitionInvalid, Said
    from payrail.ledger_jobs.reconciliation.reconcile_day import Reconciling
    from payrail.ledger_jobs.reconciliation.store import read_report
    from payrail.runtime.card_numbers import find_card_number
    from payrail.runtime.clock import SystemClock, rfc3339_of_ms
    from payrail.runtime.ids import IdSource

    reports = directory / Reconciling.directory
    report = read_report(reports, date)
    if report is None or all(one.id != break_id for one in report.breaks):
        raise click.ClickException(f"{date} has no break {break_id}")
    if find_card_number(why):
        raise click.ClickException("the reason holds a card number; nothing was written")
    clock = SystemClock(directory / "clock.json")
    correlation_id = IdSource(clock, random.SystemRandom()).new("run")
    said = Said(
        break_id, date, state, getpass.getuser(), "admin", why, correlation_id, rfc3339_of_ms(clock.now_ms())
    )
    with contextlib.closing(BreakStates(reports)) as states:
        try:
            asyncio.run(states.say(said))
        except BreakTransitionInvalid as error:
            raise click.ClickException(error.detail) from None


def _print(directory: Path, date: str, *, as_json: bool) -> int:
    """Show the report; how many of its breaks are open."""
    import msgspec

    from payrail.ledger_jobs.reconciliation.break_states import BreakStates
    from payrail.ledger_jobs.reconciliation.reconcile_day import Reconciling
    from payrail.ledger_jobs.reconciliation.store import read_report

    reports = directory / Reconciling.directory
    report = read_report(reports, date)
    if report is None:
        raise click.ClickException(f"{directory} has no report of {date}, though one was made")
    with contextlib.closing(BreakStates(reports)) as states:
        words = states.latest()
        still_open = [one for one in report.breaks if one.id not in words or words[one.id].state == "open"]
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
        else:
            _print_report(report, words, len(still_open))
    return len(still_open)


def _print_report(report: "Report", words: "Mapping[str, Said]", open_count: int) -> None:
    count = len(report.breaks)
    click.echo(
        f"{report.date}: {report.status}, {report.ledger.rows} movements in the ledger, "
        f"{report.matched} agree with all parties, {count} break{'' if count == 1 else 's'} ({open_count} open)"
    )
    for total in report.totals:
        parties = [
            ("ledger", total.ledger),
            ("settlement", total.settlement),
            ("provider", total.provider_file),
        ]
        sums = "  ".join(
            f"{name} {figures.items} items {Money(figures.gross, total.currency)}"
            for name, figures in parties
            if figures
        )
        click.echo(f"  {total.merchant_id or 'nobody'}  {total.provider}  {sums}")
    for one in report.breaks[:_BREAKS_SHOWN_MAX]:
        said = words.get(one.id)
        state = said.state if said is not None else "open"
        click.echo(f"{state.upper():9} {one.break_class}: {_told(one)}  [{one.id}]")
    if count > _BREAKS_SHOWN_MAX:
        click.echo(f"… and {count - _BREAKS_SHOWN_MAX} more, in reconciliation_report_{report.date}.json")


def _told(one: "Break") -> str:
    about = one.payment_id or "nobody's"
    said = {"ledger": one.ledger, "settlement": one.settlement, "provider": one.provider_file}
    sides = "; ".join(f"{name} {_figures(side)}" for name, side in said.items() if side is not None)
    return f"{one.operation} {one.reference} at {one.provider}, {about}: {sides}"


def _figures(side: "Side") -> str:
    fee = side.provider_fee if side.provider_fee is not None else side.merchant_fee
    place = f", line {side.line}" if side.line is not None else ""
    told_fee = f", fee {Money(fee, side.currency)}" if fee is not None else ""
    return f"{Money(side.gross, side.currency)}{told_fee} on {side.date}{place}"
