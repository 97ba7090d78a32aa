"""The totals of a settled day, beside its rows: `data/settlement/settlement_YYYY-MM-DD.totals.json`."""

import re
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from payrail.ledger.settlement_events import SettledTotal

Status = Literal["preliminary", "final"]

#: The columns of the day's rows. `net` is `gross` less the merchant's `fee`; all three are minor units of the currency.
COLUMNS = (
    "date", "merchant_id", "currency", "provider", "operation", "payment_id", "entity", "reference", "at", "gross",
    "fee", "net", "seq",
)  # fmt: skip
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


def csv_path(directory: Path, date: str) -> Path:
    """Where the rows of a day are."""
    return directory / f"settlement_{date}.csv"


def totals_path(directory: Path, date: str) -> Path:
    """Where the totals of a day are."""
    return directory / f"settlement_{date}.totals.json"


def totals_document(totals: DayTotals) -> bytes:
    """The bytes of the totals' file."""
    return msgspec.json.format(msgspec.json.encode(totals), indent=2) + b"\n"


def read_totals(directory: Path, date: str) -> DayTotals | None:
    """The day's totals, none where the day has not been settled. Raises `msgspec.DecodeError` for other content."""
    try:
        return _decode_totals(totals_path(directory, date).read_bytes())
    except FileNotFoundError:
        return None


def settled_dates(directory: Path) -> list[str]:
    """The days that have totals, newest first."""
    names = (_TOTALS_NAME.fullmatch(path.name) for path in directory.glob("settlement_*.totals.json"))
    return sorted((name[1] for name in names if name), reverse=True)
