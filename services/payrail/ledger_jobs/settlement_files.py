"""`data/settlement/settlement_YYYY-MM-DD.csv` and the totals beside it: made from movements, the same bytes each time.

One row for each movement of money, sorted by merchant, currency and place in the ledger; what leaves the merchant is
negative. The totals are sums of the same rows by merchant, currency and provider.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl
from msgspec import Struct

from payrail.ledger.settlement_events import SettledTotal
from payrail.runtime.durable_file import exclusive, replace_file

Status = Literal["preliminary", "final"]

#: The columns of the file. `net` is `gross` less the merchant's `fee`; all three are minor units of the currency.
COLUMNS = (
    "date", "merchant_id", "currency", "provider", "operation", "payment_id", "entity", "reference", "at", "gross",
    "fee", "net", "seq",
)  # fmt: skip
_INTEGERS = frozenset({"gross", "fee", "net", "seq"})
_SCHEMA = {name: pl.Int64 if name in _INTEGERS else pl.String for name in COLUMNS}
_PIECE_ROWS = 50_000
_TOTALS_BY = ("merchant_id", "currency", "provider")
_TOTALS_NAME = re.compile(r"settlement_(\d{4}-\d{2}-\d{2})\.totals\.json")


class MerchantTotal(Struct, frozen=True):
    """The sums of a merchant's rows in one currency at one provider; `released` is what of it captures made."""

    merchant_id: str
    currency: str
    provider: str
    movements: int
    gross: int
    fee: int
    net: int
    released: int

    def settled(self) -> SettledTotal:
        """As the ledger keeps it."""
        return SettledTotal(
            self.currency, self.provider, self.movements, self.gross, self.fee, self.net, self.released
        )


class DayTotals(Struct, frozen=True):
    """The totals of a day. `through_seq` is the newest movement in the rows, 0 if there is none."""

    date: str
    status: Status
    rows: int
    through_seq: int
    totals: list[MerchantTotal]


_decode_totals = msgspec.json.Decoder(DayTotals).decode


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


def csv_path(directory: Path, date: str) -> Path:
    """Where the rows of a day are."""
    return directory / f"settlement_{date}.csv"


def totals_path(directory: Path, date: str) -> Path:
    """Where the totals of a day are."""
    return directory / f"settlement_{date}.totals.json"


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


def totals_document(totals: DayTotals) -> bytes:
    """The bytes of the totals' file."""
    return msgspec.json.format(msgspec.json.encode(totals), indent=2) + b"\n"


def read_totals(directory: Path, date: str) -> DayTotals | None:
    """The day's totals, none where the day has not been settled. Raises `msgspec.DecodeError` for other content."""
    try:
        return _decode_totals(totals_path(directory, date).read_bytes())
    except FileNotFoundError:
        return None


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


def settled_dates(directory: Path) -> list[str]:
    """The days that have totals, newest first."""
    names = (_TOTALS_NAME.fullmatch(path.name) for path in directory.glob("settlement_*.totals.json"))
    return sorted((name[1] for name in names if name), reverse=True)
