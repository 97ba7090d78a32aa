"""The providers' settlement files of a big day: what the books say, in the providers' own columns, with faults in it.

They are written from the movements at once, column by column; the simulator would take minutes over so many rows.
"""

from pathlib import Path

import polars as pl

from payrail.ledger.currencies import EXPONENTS
from payrail.ledger_jobs.books.movements import read_movements
from payrail.ledger_jobs.provider_files.dialects import ADYEN_COLUMNS, STRIPE_COLUMNS

#: One row of so many has a fee that is off by one minor unit, and another one a reference that is nobody's.
FAULT_EVERY = 10_000
_STRIPE = {
    "capture": "charge", "refund": "refund", "refund_failed": "refund_failure", "chargeback": "dispute",
    "chargeback_won": "dispute_reversal",
}  # fmt: skip
_ADYEN = {
    "capture": "Settled", "refund": "Refunded", "refund_failed": "RefundedReversed", "chargeback": "Chargeback",
    "chargeback_won": "ChargebackReversed",
}  # fmt: skip


def write_provider_files(data_dir: Path, date: str) -> dict[str, int]:
    """Write both files where a run keeps them; how many breaks of each class are to be found."""
    directory = data_dir / "reconciliation" / "provider_files"
    directory.mkdir(parents=True, exist_ok=True)
    movements = read_movements(data_dir / "ledger", [date]).frame
    nth = pl.int_range(pl.len()) % FAULT_EVERY
    wrong_fee, strange = nth == 1, nth == 2
    rows = movements.with_columns(
        fee=pl.col("provider_fee") + wrong_fee.cast(pl.Int64),
        reference=pl.when(strange)
        .then(pl.lit("att_Z") + pl.col("reference").str.slice(5))
        .otherwise("reference"),
    )
    for provider, dialect in (("providerA", _stripe), ("providerB", _adyen)):
        of_provider = rows.filter(pl.col("provider") == provider)
        dialect(of_provider).write_csv(directory / f"{provider}_{date}.csv")
    wrong, strays = (movements.filter(which).height for which in (wrong_fee, strange))
    return {"fee_mismatch": wrong, "missing_in_provider": strays, "orphan": strays}


def _stripe(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        **_empty(STRIPE_COLUMNS)
        | {
            "created_utc": _second(),
            "currency": pl.col("currency").str.to_lowercase(),
            "gross": _decimal(pl.col("gross")),
            "fee": _decimal(pl.col("fee")),
            "net": _decimal(pl.col("gross") - pl.col("fee")),
            "reporting_category": pl.col("operation").replace_strict(_STRIPE),
            "source_id": pl.lit("ch_3") + pl.col("reference").str.slice(4),
            "payment_metadata[reference]": pl.col("reference"),
            "payment_metadata[authorization]": pl.lit("att_Y") + pl.col("reference").str.slice(5),
        }
    )


def _adyen(rows: pl.DataFrame) -> pl.DataFrame:
    net = pl.col("gross") - pl.col("fee")
    return rows.select(
        **_empty(ADYEN_COLUMNS)
        | {
            "Merchant Reference": pl.lit("att_Y") + pl.col("reference").str.slice(5),
            "Creation Date": _second(),
            "TimeZone": pl.lit("UTC"),
            "Type": pl.col("operation").replace_strict(_ADYEN),
            "Modification Reference": pl.col("reference").str.slice(4),
            "Gross Currency": pl.col("currency"),
            "Gross Debit (GC)": _where(pl.col("gross") < 0, -pl.col("gross")),
            "Gross Credit (GC)": _where(pl.col("gross") >= 0, pl.col("gross")),
            "Exchange Rate": pl.lit("1"),
            "Net Currency": pl.col("currency"),
            "Net Debit (NC)": _where(net < 0, -net),
            "Net Credit (NC)": _where(net >= 0, net),
            "Markup (NC)": _decimal(pl.col("fee")),
            "Modification Merchant Reference": pl.col("reference"),
        }
    )


def _empty(columns: tuple[str, ...]) -> dict[str, pl.Expr]:
    return {name: pl.lit("") for name in columns}


def _where(holds: pl.Expr, amount: pl.Expr) -> pl.Expr:
    return pl.when(holds).then(_decimal(amount)).otherwise(pl.lit(""))


def _second() -> pl.Expr:
    return pl.col("at").str.slice(0, 10) + pl.lit(" ") + pl.col("at").str.slice(11, 8)


def _decimal(amount: pl.Expr) -> pl.Expr:
    """Minor units in major ones, with the decimals of the row's currency."""
    told = pl.lit("")
    for digits in sorted(set(EXPONENTS.values())):
        scale = 10**digits
        whole = (amount.abs() // scale).cast(pl.String)
        text = (
            whole + pl.lit(".") + (amount.abs() % scale).cast(pl.String).str.zfill(digits)
            if digits
            else whole
        )
        of_digits = pl.col("currency").replace_strict(EXPONENTS, return_dtype=pl.Int32) == digits
        told = pl.when(of_digits).then(text).otherwise(told)
    return pl.when(amount < 0).then(pl.lit("-") + told).otherwise(told)
