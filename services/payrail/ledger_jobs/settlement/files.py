"""`data/settlement/settlement_YYYY-MM-DD.csv` and the totals beside it: made from movements, the same bytes each time.

One row for each movement of money, sorted by merchant, currency and place in the ledger; what leaves the merchant is
negative. The totals are sums of the same rows by merchant, currency and provider.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from payrail.ledger_jobs.settlement.totals import (
    COLUMNS,
    DayTotals,
    MerchantTotal,
    Status,
    csv_path,
    totals_document,
    totals_path,
)
from payrail.runtime.durable_file import exclusive, replace_file

_INTEGERS = frozenset({"gross", "fee", "net", "seq"})
_SCHEMA = {name: pl.Int64 if name in _INTEGERS else pl.String for name in COLUMNS}
_PIECE_ROWS = 50_000
_TOTALS_BY = ("merchant_id", "currency", "provider")


def settlement_rows(movements: pl.DataFrame) -> pl.DataFrame:
    """The rows of the file from a `movements` frame."""
    return (
        movements.with_columns(fee=pl.col("merchant_fee"), net=pl.col("gross") - pl.col("merchant_fee"))
        .select(COLUMNS)
        .sort("merchant_id", "currency", "seq")
    )


def totals_of(rows: pl.DataFrame) -> list[MerchantTotal]:
    """The sums of the rows, ordered by merchant, currency and provider."""
    sums = (
        rows.group_by(_TOTALS_BY)
        .agg(
            pl.len().cast(pl.Int64).alias("movements"),
            pl.col("gross", "fee", "net").sum(),
            pl.col("net").filter(pl.col("operation") == "capture").sum().alias("released"),
        )
        .sort(_TOTALS_BY)
    )
    return [MerchantTotal(**row) for row in sums.iter_rows(named=True)]


def day_totals(date: str, status: Status, rows: pl.DataFrame) -> DayTotals:
    """The document beside the rows."""
    newest = rows["seq"].max() if rows.height else 0
    return DayTotals(date, status, rows.height, int(newest), totals_of(rows))  # type: ignore[arg-type]


def write_day(directory: Path, rows: pl.DataFrame, totals: DayTotals) -> None:
    """Put both files in their places; the totals come last, so that they never name rows that are not there."""
    directory.mkdir(parents=True, exist_ok=True)
    with exclusive(directory / ".settlements.lock"):
        replace_file(csv_path(directory, totals.date), _csv_pieces(rows))
        replace_file(totals_path(directory, totals.date), [totals_document(totals)])


def _csv_pieces(rows: pl.DataFrame) -> Iterator[bytes]:
    yield rows.clear().write_csv().encode()
    for piece in rows.iter_slices(_PIECE_ROWS):
        yield piece.write_csv(include_header=False).encode()


def read_rows(directory: Path, date: str, merchant_id: str | None = None) -> pl.DataFrame:
    """The day's rows as they stand in the file, of one merchant if it is given; `line` counts from 1, the header's."""
    scanned = pl.scan_csv(
        csv_path(directory, date), schema=_SCHEMA, row_index_name="line", row_index_offset=2
    )
    if merchant_id is not None:
        scanned = scanned.filter(pl.col("merchant_id") == merchant_id)
    return scanned.collect().with_columns(pl.col("line").cast(pl.Int64))


def csv_of(rows: pl.DataFrame) -> bytes:
    """The rows as the file has them, with their header."""
    return rows.select(COLUMNS).write_csv().encode()
