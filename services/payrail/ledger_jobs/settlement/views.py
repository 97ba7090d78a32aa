"""A merchant's settled days, as they stand in the files; of another merchant's there is nothing to see."""

import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from payrail.ledger_jobs.settlement.files import csv_of, read_rows
from payrail.ledger_jobs.settlement.settle_day import SettlementNotFound
from payrail.ledger_jobs.settlement.totals import DayTotals, read_totals, settled_dates
from payrail.runtime.pages import position_of, to_cursor

_SHOWN = (
    "currency", "provider", "operation", "payment_id", "entity", "reference", "at", "gross", "fee", "net", "seq",
)  # fmt: skip


def list_settlements(directory: Path, merchant_id: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{data, next_cursor}`, newest first. The cursor is a day: days that are settled later do not move it.

    Raises `InvalidCursor`.
    """
    before = datetime.date.max.toordinal() if cursor is None else position_of(cursor)
    dates = (date for date in settled_dates(directory) if _ordinal(date) < before)
    days = (read_totals(directory, date) for date in dates)
    mine = (summary for day in days if day and (summary := summary_of(day, merchant_id))["totals"])
    found = list(islice(mine, limit + 1))
    more = len(found) > limit
    return {
        "data": found[:limit],
        "next_cursor": to_cursor(_ordinal(found[limit - 1]["date"])) if more else None,
    }


def settlement_page(
    directory: Path, date: str, merchant_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The contract's `Settlement`. Raises `SettlementNotFound` and `InvalidCursor`."""
    start = position_of(cursor) if cursor else 0
    summary = _found(directory, date, merchant_id)
    rows = read_rows(directory, date, merchant_id).slice(start, limit).select(_SHOWN)
    end = start + limit
    return {
        **summary,
        "data": rows.to_dicts(),
        "next_cursor": to_cursor(end) if end < summary["movements"] else None,
    }


def settlement_csv(directory: Path, date: str, merchant_id: str) -> bytes:
    """The merchant's rows as CSV. Raises `SettlementNotFound`."""
    _found(directory, date, merchant_id)
    return csv_of(read_rows(directory, date, merchant_id))


def summary_of(day: DayTotals, merchant_id: str) -> dict[str, Any]:
    """The contract's `SettlementSummary`; without totals where nothing of the day is the merchant's."""
    totals = [asdict(total.settled()) for total in day.totals if total.merchant_id == merchant_id]
    movements = sum(total["movements"] for total in totals)
    return {"date": day.date, "status": day.status, "movements": movements, "totals": totals}


def _found(directory: Path, date: str, merchant_id: str) -> dict[str, Any]:
    day = read_totals(directory, date)
    summary = summary_of(day, merchant_id) if day else None
    if summary is None or not summary["totals"]:
        raise SettlementNotFound
    return summary


def _ordinal(date: str) -> int:
    return datetime.date.fromisoformat(date).toordinal()
