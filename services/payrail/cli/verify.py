"""`payrail verify`: prove the data files and say what is wrong, with its file and line."""

import sys
from pathlib import Path

import click
import msgspec

from payrail.cli.data_directory import DataDirectoryRefused, existing_data_dir
from payrail.cli.paths import existing_data_dir_option
from payrail.cli.verification import LedgerBusy, Report, verify_data_dir
from payrail.cli.verification.proof import bytes_to_prove
from payrail.ledger.money import Money
from payrail.runtime.settings import SettingsRefused

_NOTES_SHOWN_MAX = 20


@click.command()
@existing_data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
def verify(data_dir: Path | None, *, as_json: bool) -> None:
    """Prove the data files: hash chain, sequence, balances, transitions, keys, and no card number anywhere.

    Reads only, and may run beside a running stack. Exit status 0: all is well; 1: there are findings, each with its
    file and line; 2: nothing could be judged.
    """
    directory = _data_dir(data_dir)
    try:
        report = _with_progress(directory)
    except (LedgerBusy, OSError) as error:
        raise _Unjudged(f"nothing could be judged: {error}") from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_document(directory, report)), indent=2))
    else:
        _print(directory, report)
    sys.exit(0 if report.sound else 1)


class _Unjudged(click.ClickException):
    """Ends the command with status 2: neither sound nor unsound."""

    exit_code = 2


def _data_dir(given: Path | None) -> Path:
    try:
        return existing_data_dir(given)
    except (SettingsRefused, DataDirectoryRefused) as error:
        raise _Unjudged(str(error)) from None


def _with_progress(directory: Path) -> Report:
    """A bar on a terminal; a person who waits for a million lines wants to see that they move."""
    if not sys.stderr.isatty():
        return verify_data_dir(directory)
    with click.progressbar(length=bytes_to_prove(directory), label="Verifying", file=sys.stderr) as bar:
        return verify_data_dir(directory, bar.update)


def _document(directory: Path, report: Report) -> dict[str, object]:
    return {
        "data_dir": str(directory),
        "sound": report.sound,
        "summary": report.summary,
        "findings_total": report.findings_total,
        "findings": report.findings,
        "notes_total": report.notes_total,
        "notes": report.notes,
    }


def _print(directory: Path, report: Report) -> None:
    summary = report.summary
    for note in report.notes[:_NOTES_SHOWN_MAX]:
        click.echo(f"note     {_place(note.file, note.line)}: {note.reason}")
    _print_rest("note", report.notes_total, min(len(report.notes), _NOTES_SHOWN_MAX))
    for finding in report.findings:
        click.echo(f"FINDING  {_place(finding.file, finding.line)}: {finding.check}: {finding.reason}")
    _print_rest("finding", report.findings_total, len(report.findings))
    states = ", ".join(f"{count} {state}" for state, count in sorted(summary.states.items()) if count)
    click.echo(f"{directory}: {summary.entries} entries, {summary.payments} payments{_in_brackets(states)}")
    for currency, totals in sorted(summary.currencies.items()):
        click.echo(
            f"  {currency}: {totals.payments} payments, authorized {Money(totals.authorized, currency)}, "
            f"captured {Money(totals.captured, currency)}, refunded {Money(totals.refunded, currency)}, "
            f"fees {Money(totals.fees, currency)}, all accounts {Money(totals.balance, currency)}"
        )
    click.echo(
        f"  {summary.open_intents} open intents, {summary.files_scanned} files "
        f"({summary.bytes_scanned} bytes) searched for card numbers"
    )
    found = f"{report.findings_total} finding{'' if report.findings_total == 1 else 's'}"
    click.echo("OK: nothing found." if report.sound else f"NOT SOUND: {found}.")


def _print_rest(what: str, total: int, shown: int) -> None:
    if total > shown:
        click.echo(f"… and {total - shown} more {what}s")


def _place(file: str, line: int | None) -> str:
    return file if line is None else f"{file} line {line}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
