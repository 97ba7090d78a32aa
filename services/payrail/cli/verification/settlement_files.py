"""The files of settled days: rows in order, totals that are the sums of the rows; and what the rows come to as a whole.

That the rows are the ledger's movements is judged by a sum of digests, one for each row: the ledger is gone through
once, and no row is kept.
"""

import csv
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.cli.verification.findings import Report
from payrail.ledger_jobs.settlement.totals import COLUMNS, DayTotals, read_totals

_NAME = re.compile(r"settlement_(\d{4}-\d{2}-\d{2})\.(csv|totals\.json)")
_DIGEST_BYTES = 16
_SUM_NAMES = ("movements", "gross", "fee", "net", "released")


class SettledDay(Struct):
    """What the files of a day say. `digest` sums up its rows; `newest` is each merchant's newest movement."""

    status: str
    through_seq: int
    digest: int
    newest: Mapping[str, int]

    @staticmethod
    def file(date: str) -> str:
        """The file that holds the rows."""
        return f"settlement/settlement_{date}.csv"


def row_digest(row: Mapping[str, object]) -> int:
    """A number for a row; those of a day's rows are added up, in whichever order they come."""
    text = "\x1f".join(str(row[name]) for name in COLUMNS)
    return int.from_bytes(blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest(), "big")


def read_settled_days(data_dir: Path, report: Report) -> dict[str, SettledDay]:
    """The settled days by date; files that contradict themselves are findings, and are judged no further."""
    directory = data_dir / "settlement"
    days: dict[str, SettledDay] = {}
    if not directory.is_dir():
        return days
    with _shared_lock(directory / ".settlements.lock"):
        found = {match[1] for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))}
        for date in sorted(found):
            day = _read(directory, date, report)
            if day is not None:
                days[date] = day
    return days


def _read(directory: Path, date: str, report: Report) -> SettledDay | None:
    name = f"settlement/settlement_{date}.totals.json"
    try:
        totals = read_totals(directory, date)
        if totals is not None:
            return _judge(directory, date, totals, report)
        report.find("settlement", SettledDay.file(date), None, "its totals are missing beside it")
    except FileNotFoundError as error:
        report.find("settlement", name, None, f"{Path(error.filename).name} is missing beside it")
    except msgspec.MsgspecError as error:
        report.find("settlement", name, None, f"it cannot be read: {error}")
    return None


def _judge(directory: Path, date: str, totals: DayTotals, report: Report) -> SettledDay | None:
    file, sums = SettledDay.file(date), _Sums()
    try:
        with (directory / f"settlement_{date}.csv").open(newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), start=2):
                if fault := sums.add(date, row):
                    report.find("settlement", file, number, fault)
                    return None
    except (KeyError, ValueError, TypeError) as error:
        report.find("settlement", file, None, f"it cannot be read: {error}")
        return None
    stated = {
        (t.merchant_id, t.currency, t.provider): [getattr(t, n) for n in _SUM_NAMES] for t in totals.totals
    }
    if stated != sums.totals or (totals.rows, totals.through_seq) != (sums.rows, sums.through_seq):
        report.find("settlement", file, None, "the totals beside it are not the sums of its rows")
        return None
    return SettledDay(totals.status, totals.through_seq, sums.digest, sums.newest)


class _Sums:
    """What the rows of a file add up to."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str, str], list[int]] = {}
        self.newest: dict[str, int] = {}
        self.rows = self.through_seq = self.digest = 0
        self._before: tuple[str, str, int] = ("", "", 0)

    def add(self, date: str, row: dict[str, str]) -> str | None:
        """Take a row in; what is wrong with it, if anything."""
        seq, gross, fee, net = (int(row[name]) for name in ("seq", "gross", "fee", "net"))
        place = (row["merchant_id"], row["currency"], seq)
        if row["date"] != date or net != gross - fee:
            return "the row is of another day, or its net is not its gross less its fee"
        if place <= self._before:
            return "the row is not in its place: rows are ordered by merchant, currency and seq"
        released = net if row["operation"] == "capture" else 0
        sums = self.totals.setdefault(
            (row["merchant_id"], row["currency"], row["provider"]), [0] * len(_SUM_NAMES)
        )
        for index, amount in enumerate((1, gross, fee, net, released)):
            sums[index] += amount
        self.newest[row["merchant_id"]] = max(seq, self.newest.get(row["merchant_id"], 0))
        self.rows, self.through_seq = self.rows + 1, max(seq, self.through_seq)
        self.digest += row_digest(row)
        self._before = place
        return None


@contextmanager
def _shared_lock(path: Path) -> Iterator[None]:
    """A running stack replaces a day's two files under this lock, so that nobody sees one without the other."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)
