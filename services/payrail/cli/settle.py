"""`payrail settle --date D`: settle a UTC day, by the running stack if there is one, else right here."""

import asyncio
import contextlib
import datetime
import random
from pathlib import Path
from typing import Any

import click

from payrail.cli.data_directory import DirectoryInUse, claimed, existing_data_dir
from payrail.cli.paths import existing_data_dir_option
from payrail.cli.progress import Bar
from payrail.cli.refusals import told_in_one_line
from payrail.ledger.money import Money
from payrail.runtime.settings import load_settings


@click.command()
@click.option(
    "--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The UTC day, as 2026-03-02."
)
@existing_data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the day's totals as JSON.")
def settle(day: datetime.datetime, data_dir: Path | None, *, as_json: bool) -> None:
    """Settle a UTC day: its file, its totals, and, once the day is over, what they come to in the books.

    An open day is preliminary: nothing is posted. A day that is over is settled once, however often this runs. Where a
    stack runs on the data directory, it does the work. Where none runs there is no provider to ask either: what
    providers paid is booked when a stack runs next.
    """
    date = day.date().isoformat()
    with told_in_one_line():
        directory = existing_data_dir(data_dir)
        try:
            with claimed(directory):
                done = _settle_here(directory, date)
        except DirectoryInUse:
            done = _settle_there(day.date())
    _print(directory, date, done, as_json=as_json)


def _settle_here(directory: Path, date: str) -> dict[str, Any]:
    import msgspec

    from payrail.ledger_jobs.books.entering import JobOrigin
    from payrail.ledger_jobs.books.scanned import ScannedBooks
    from payrail.ledger_jobs.days import FutureDate
    from payrail.ledger_jobs.origins import JOBS_ACTOR
    from payrail.ledger_jobs.settlement.settle_day import Settling, settle_day
    from payrail.runtime.clock import SystemClock, rfc3339_of_ms
    from payrail.runtime.ids import IdSource
    from payrail.runtime.journal import LedgerCorrupt, LedgerUnavailable
    from payrail.runtime.journal.ledger_snapshot import LedgerBusy

    clock = SystemClock(directory / "clock.json")
    ids = IdSource(clock, random.SystemRandom())
    correlation_id = ids.new("run")

    def origin() -> JobOrigin:
        return JobOrigin(JOBS_ACTOR, correlation_id, rfc3339_of_ms(clock.now_ms()))

    async def no_file(_provider: str, _date: str) -> None:
        """No provider runs that could be asked."""

    try:
        books = ScannedBooks(directory / "ledger", lambda: ids.new("le"))
        with contextlib.closing(books), Bar("Settling") as bar:
            settling = Settling(books, directory, origin, ids.new, no_file)
            settled = asyncio.run(settle_day(settling, date, bar.show))
    except (FutureDate, LedgerBusy, LedgerCorrupt, LedgerUnavailable) as error:
        raise click.ClickException(str(error)) from None
    done: dict[str, Any] = msgspec.to_builtins(settled)
    return done


def _settle_there(day: datetime.date) -> dict[str, Any]:
    from payrail.cli.running_jobs import RunningJobs
    from payrail_sdk.ledger_jobs.api.settlement import generate_settlement
    from payrail_sdk.ledger_jobs.models import GenerateSettlementRequest

    with Bar("Settling") as bar, RunningJobs(load_settings()) as jobs:
        run = jobs.do(
            "settlement",
            lambda client: generate_settlement.sync(day, client=client, body=GenerateSettlementRequest()),
            bar,
        )
    (done,) = run["result"]["days"]
    return dict(done)


def _print(directory: Path, date: str, done: dict[str, Any], *, as_json: bool) -> None:
    from payrail.ledger_jobs.settlement.totals import read_totals, totals_document

    totals = read_totals(directory / "settlement", date)
    if totals is None:
        raise click.ClickException(f"{directory} has no settlement of {date}, though one was made")
    if as_json:
        click.echo(totals_document(totals), nl=False)
        return
    click.echo(f"{date}: {totals.status}, {totals.rows} movements, in settlement/settlement_{date}.csv")
    for one in totals.totals:
        sums = "  ".join(
            f"{name} {Money(amount, one.currency)}"
            for name, amount in (("gross", one.gross), ("fee", one.fee), ("net", one.net))
        )
        click.echo(f"  {one.merchant_id}  {one.provider}  {one.movements} movements  {sums}")
    click.echo(
        f"  written to the ledger: {done['settlements']} settlements, {done['bank_bookings']} bookings of the bank, "
        f"{done['payouts']} payouts"
    )
