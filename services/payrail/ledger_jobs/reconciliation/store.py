"""The reports on disk: `data/reconciliation/reconciliation_report_YYYY-MM-DD.json`."""

import re
from pathlib import Path

import msgspec

from payrail.ledger_jobs.reconciliation.breaks import Report
from payrail.runtime.durable_file import exclusive, replace_file

_NAME = re.compile(r"reconciliation_report_(\d{4}-\d{2}-\d{2})\.json")
_decode = msgspec.json.Decoder(Report).decode


def dates(directory: Path) -> list[str]:
    """The days that have a report, newest first."""
    names = (_NAME.fullmatch(path.name) for path in directory.glob("reconciliation_report_*.json"))
    return sorted((name[1] for name in names if name), reverse=True)


def read_report(directory: Path, date: str) -> Report | None:
    """The day's report, none if there is none. Raises `msgspec.DecodeError` for what this module did not write."""
    try:
        return _decode(_path(directory, date).read_bytes())
    except FileNotFoundError:
        return None


def write_report(directory: Path, report: Report) -> bool:
    """Put the report in its place; whether that changed anything. The same report has the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
    path = _path(directory, report.date)
    with exclusive(directory / ".reports.lock"):
        if path.exists() and path.read_bytes() == content:
            return False
        replace_file(path, [content])
    return True


def _path(directory: Path, date: str) -> Path:
    return directory / f"reconciliation_report_{date}.json"
