"""Reading the providers' settlement files: two dialects in, one frame out.

A file is taken whole or not at all. What is not as its dialect has it raises `ProviderFileInvalid`, which names the
line (the header is line 1) and the column: figures that nobody understood are not reconciled.
"""

import csv
from collections.abc import Callable, Mapping
from typing import ClassVar

import polars as pl

from payrail.ledger.currencies import EXPONENTS

#: The columns of the frame, in order. `gross` is money to the merchant, `fee` what the provider keeps of it, both in
#: minor units. `operation` is a movement's, or `fee` for a fee that belongs to no other row. `reference` is ours.
COLUMNS = (
    "line", "provider", "date", "at", "operation", "reference", "authorization", "provider_reference", "currency",
    "gross", "fee",
)  # fmt: skip
INTEGERS = frozenset({"line", "gross", "fee"})

STRIPE_COLUMNS = (
    "automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id", "created_utc",
    "available_on_utc", "currency", "gross", "fee", "net", "reporting_category", "source_id", "description",
    "charge_id", "payment_intent_id", "payment_metadata[reference]", "payment_metadata[authorization]",
)  # fmt: skip
ADYEN_COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method",
    "Creation Date", "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)",
    "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)",
    "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "Batch Number", "Modification Merchant Reference",
)  # fmt: skip
#: What says nothing that is reconciled.
_UNREAD = frozenset(
    {
        "automatic_payout_id", "automatic_payout_effective_at", "available_on_utc", "description", "charge_id",
        "payment_intent_id", "balance_transaction_id", "Company Account", "Merchant Account", "Psp Reference",
        "Payment Method", "Batch Number",
    }
)  # fmt: skip
_REPORTING_CATEGORIES = {
    "charge": "capture",
    "refund": "refund",
    "refund_failure": "refund_failed",
    "dispute": "chargeback",
    "dispute_reversal": "chargeback_won",
    "fee": "fee",
}
_JOURNAL_TYPES = {
    "Settled": "capture",
    "Refunded": "refund",
    "RefundedReversed": "refund_failed",
    "Chargeback": "chargeback",
    "ChargebackReversed": "chargeback_won",
    "Fee": "fee",
}
_SECOND = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"


class ProviderFileInvalid(Exception):
    """A provider's settlement file is not as its dialect has it. `line` counts from 1, the header being the first."""

    code: ClassVar[str] = "provider_file_invalid"

    def __init__(self, provider: str, date: str, line: int, column: str | None, reason: str) -> None:
        place = f"line {line}" if column is None else f"line {line}, column {column}"
        self.detail = f"The settlement file of {provider} for {date} cannot be read: {place}: {reason}."
        super().__init__(self.detail)
        self.line = line
        self.column = column


def parse_provider_file(provider: str, date: str, content: bytes) -> pl.DataFrame:
    """The rows of a provider's file of a UTC day, in the order of the file. Raises `ProviderFileInvalid`."""
    columns, rows_of = _DIALECTS[provider]
    sheet = _Sheet(provider, date, _table(provider, date, columns, content))
    return rows_of(sheet).with_columns(provider=pl.lit(provider), date=pl.lit(date)).select(COLUMNS)


def empty_provider_rows() -> pl.DataFrame:
    """The frame without a row."""
    return pl.DataFrame(schema={name: pl.Int64 if name in INTEGERS else pl.String for name in COLUMNS})


def paid_out(rows: pl.DataFrame) -> dict[str, int]:
    """What the provider pays out for the rows, in minor units by currency."""
    sums = rows.group_by("currency").agg((pl.col("gross") - pl.col("fee")).sum()).sort("currency")
    return dict(sums.iter_rows())


class _Sheet:
    """A file's cells as texts, and the checks that name the cell that fails."""

    def __init__(self, provider: str, date: str, table: pl.DataFrame) -> None:
        self._provider = provider
        self._date = date
        self.table = table.with_row_index("line", offset=2)

    def require(self, column: str, holds: pl.Expr, reason: str) -> None:
        """Raise for the first row where the condition does not hold."""
        wrong = self.table.filter(~holds).head(1)
        if wrong.height:
            raise ProviderFileInvalid(self._provider, self._date, wrong["line"][0], column, reason)

    def read_amount(self, column: str, currency: str, *, empty: bool = False) -> pl.Series:
        """The column's decimal numbers as minor units of the currency in the other column; 0 for an empty cell."""
        cell, digits = pl.col(column), pl.col("_digits")
        by_digits = pl.col(currency).replace_strict(EXPONENTS, return_dtype=pl.Int32)
        self.table = self.table.with_columns(
            _digits=by_digits, _minor=cell.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
        )
        # Bytes, because what a cast takes for a number is all ASCII; its dot is where the currency's decimals begin.
        length, dot = cell.str.len_bytes().cast(pl.Int32), cell.str.find(".", literal=True).cast(pl.Int32)
        decimals = pl.when(dot.is_null()).then(0).otherwise(length - dot - 1)
        fits = pl.col("_minor").is_not_null() & (decimals == digits) & ~cell.str.starts_with("+")
        fits &= dot.is_null() | ((dot > cell.str.starts_with("-").cast(pl.Int32)) & (digits > 0))
        self.require(column, fits | (cell == "") if empty else fits, "is no amount of its currency")
        amounts: pl.Series = self.table["_minor"].fill_null(0).rename(column)
        self.table = self.table.drop("_digits", "_minor")
        return amounts

    def require_known(self, column: str, known: Mapping[str, object], reason: str) -> None:
        """Raise for the first cell that is none of these."""
        self.require(column, pl.col(column).is_in(list(known)), reason)


def _stripe_rows(sheet: _Sheet) -> pl.DataFrame:
    currency = pl.col("currency")
    sheet.require("currency", currency == currency.str.to_lowercase(), "is not in lower case")
    sheet.table = sheet.table.with_columns(currency.str.to_uppercase())
    sheet.require_known("currency", EXPONENTS, "is no currency of ISO 4217")
    sheet.require_known("reporting_category", _REPORTING_CATEGORIES, "is no reporting category that is known")
    sheet.require("created_utc", pl.col("created_utc").str.contains(_SECOND), "is no time")
    amounts = {name: sheet.read_amount(name, "currency") for name in ("gross", "fee", "net")}
    sheet.table = sheet.table.with_columns(**amounts)
    sheet.require("net", pl.col("net") == pl.col("gross") - pl.col("fee"), "is not the gross less the fee")
    return sheet.table.select(
        pl.col("line").cast(pl.Int64),
        _rfc3339("created_utc").alias("at"),
        pl.col("reporting_category").replace_strict(_REPORTING_CATEGORIES).alias("operation"),
        pl.col("payment_metadata[reference]").alias("reference"),
        pl.col("payment_metadata[authorization]").alias("authorization"),
        pl.col("source_id").alias("provider_reference"),
        "currency", "gross", "fee",
    )  # fmt: skip


_ADYEN_FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")


def _adyen_rows(sheet: _Sheet) -> pl.DataFrame:
    sheet.require_known("Type", _JOURNAL_TYPES, "is no type that is known")
    sheet.require("Creation Date", pl.col("Creation Date").str.contains(_SECOND), "is no time")
    sheet.require("TimeZone", pl.col("TimeZone") == "UTC", "is not UTC")
    sheet.require_known("Gross Currency", EXPONENTS, "is no currency of ISO 4217")
    same = pl.col("Net Currency") == pl.col("Gross Currency")
    sheet.require("Net Currency", same, "is not the gross currency; nothing is converted here")
    sheet.require(
        "Exchange Rate", pl.col("Exchange Rate").is_in(["", "1"]), "is not 1; nothing is converted here"
    )
    in_gross = ("Gross Debit (GC)", "Gross Credit (GC)")
    in_net = ("Net Debit (NC)", "Net Credit (NC)", *_ADYEN_FEES)
    amounts = {name: sheet.read_amount(name, "Gross Currency", empty=True) for name in in_gross}
    amounts |= {name: sheet.read_amount(name, "Net Currency", empty=True) for name in in_net}
    sheet.table = sheet.table.with_columns(**amounts).with_columns(
        gross=pl.col("Gross Credit (GC)") - pl.col("Gross Debit (GC)"),
        net=pl.col("Net Credit (NC)") - pl.col("Net Debit (NC)"),
    )
    fees = pl.sum_horizontal(_ADYEN_FEES)
    is_fee = pl.col("Type") == "Fee"
    adds_up = pl.when(is_fee).then(pl.lit(True)).otherwise(pl.col("net") == pl.col("gross") - fees)
    sheet.require("Net Credit (NC)", adds_up, "does not add up with the gross and the fees")
    rows = sheet.table.select(
        pl.col("line").cast(pl.Int64),
        _rfc3339("Creation Date").alias("at"),
        pl.col("Type").replace_strict(_JOURNAL_TYPES).alias("operation"),
        pl.col("Modification Merchant Reference").alias("reference"),
        pl.col("Merchant Reference").alias("authorization"),
        pl.col("Modification Reference").alias("provider_reference"),
        pl.col("Gross Currency").alias("currency"),
        "gross",
        pl.when(is_fee).then(-pl.col("net")).otherwise(fees).alias("fee"),
    )
    return _with_fee_rows_merged(rows)


def _with_fee_rows_merged(rows: pl.DataFrame) -> pl.DataFrame:
    """The fee of a chargeback stands in a row of its own: the n-th fee of a reference goes to its n-th chargeback."""
    if not rows.select((pl.col("operation") == "fee").any()).item():
        return rows
    key = ["provider_reference", "currency", "nth"]
    nth = pl.col("line").rank("ordinal").over("provider_reference", "currency", "operation").alias("nth")
    numbered = rows.with_columns(nth)
    charged = numbered.filter(pl.col("operation") == "chargeback")
    fees = numbered.filter(pl.col("operation") == "fee")
    merged = charged.join(fees.select(*key, fee_apart="fee"), on=key, how="left").with_columns(
        fee=pl.col("fee") + pl.col("fee_apart").fill_null(0)
    )
    rest = numbered.filter(~pl.col("operation").is_in(["chargeback", "fee"]))
    alone = fees.join(charged, on=key, how="anti")
    return pl.concat([one.select(rows.columns) for one in (rest, merged, alone)]).sort("line")


_DIALECTS: Mapping[str, tuple[tuple[str, ...], Callable[[_Sheet], pl.DataFrame]]] = {
    "providerA": (STRIPE_COLUMNS, _stripe_rows),
    "providerB": (ADYEN_COLUMNS, _adyen_rows),
}
#: The providers whose files can be read.
PROVIDERS = tuple(_DIALECTS)


def _table(provider: str, date: str, columns: tuple[str, ...], content: bytes) -> pl.DataFrame:
    _require_header(provider, date, columns, content)
    try:
        table = pl.read_csv(content, schema=dict.fromkeys(columns, pl.String), empty_string_is_null=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise _first_fault(provider, date, columns, content, str(error)) from None
    # A line that is too long was refused above; one that is too short would be filled up with empty cells.
    if b'"' in content or content.count(b",") != (table.height + 1) * (len(columns) - 1):
        _require_whole_lines(provider, date, columns, content)
    return table.drop(_UNREAD, strict=False)


def _require_header(provider: str, date: str, columns: tuple[str, ...], content: bytes) -> None:
    first = content[: content.find(b"\n") + 1].decode(errors="replace").rstrip("\r\n")
    found = next(csv.reader([first]), [])
    for place, name in enumerate(columns):
        if place >= len(found) or found[place] != name:
            raise ProviderFileInvalid(
                provider, date, 1, name, "is missing in the header, or out of its place"
            )
    if len(found) > len(columns):
        raise ProviderFileInvalid(provider, date, 1, found[len(columns)], "is a column that nobody knows")


def _first_fault(
    provider: str, date: str, columns: tuple[str, ...], content: bytes, otherwise: str
) -> ProviderFileInvalid:
    """Where a file breaks that is no table in UTF-8."""
    try:
        _require_whole_lines(provider, date, columns, content)
    except ProviderFileInvalid as fault:
        return fault
    return ProviderFileInvalid(provider, date, 1, None, otherwise)


def _require_whole_lines(provider: str, date: str, columns: tuple[str, ...], content: bytes) -> None:
    """Raise for the first line that is not UTF-8 or has not as many cells as there are columns. Slow, but exact."""
    lines = content.removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            cells = next(csv.reader([line.decode()]), [])
        except UnicodeDecodeError:
            raise ProviderFileInvalid(provider, date, number, None, "is not UTF-8") from None
        if len(cells) != len(columns):
            reason = f"has {len(cells)} cells, not {len(columns)}"
            raise ProviderFileInvalid(provider, date, number, None, reason)


def _rfc3339(column: str) -> pl.Expr:
    cell = pl.col(column)
    return cell.str.slice(0, 10) + pl.lit("T") + cell.str.slice(11) + pl.lit(".000Z")
