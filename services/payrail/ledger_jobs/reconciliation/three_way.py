"""Three-way reconciliation of a UTC day: ledger, PayRail's settlement file, each provider's own file. Pure.

An item belongs to the report of the ledger's day, or of the file's day where the ledger does not have it, so that every
break stands in exactly one report. Files and ledger may lie apart by the tolerance (T+n): an item that the other side
has on such a day is there, late: `timing`. Whoever runs it hands over the neighbouring days, twice the tolerance on
either side, so that two days are never judged by different rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger_jobs.reconciliation.breaks import Break, BreakClass, Side, numbered

KEY = ["provider", "operation", "reference"]
Row = dict[str, Any]


class Owner(Struct, frozen=True, gc=False):
    """What the ledger has to say of a provider's row that it has no movement for, and whose that is, if anybody's."""

    break_class: BreakClass
    merchant_id: str | None = None
    payment_id: str | None = None
    entity: str | None = None


#: Judges rows of providers by their `reference`, `authorization`, `operation` and `provider`, each in its place.
Judge = Callable[[Sequence[Row]], Sequence[Owner]]


class Compared(Struct, frozen=True):
    """The outcome: `breaks` with their ids; `clean`, the ledger's items of the day with which everybody agrees; and
    `owned`, the day's rows of the providers, each with its `merchant_id` where it is some merchant's."""

    breaks: list[Break]
    clean: pl.DataFrame
    owned: pl.DataFrame


def reconcile(
    date: str,
    tolerance_days: int,
    movements: pl.DataFrame,
    provider_rows: pl.DataFrame,
    settlement_rows: pl.DataFrame | None,
    judge: Judge,
) -> Compared:
    """Compare the day's items. `settlement_rows` are of the day alone, none where there is no such file."""
    ledger = _with_day(movements)
    today = ledger.filter(pl.col("date") == date)
    breaks, owned = _compare_with_providers(
        date, ledger, today, _with_day(provider_rows), tolerance_days, judge
    )
    if settlement_rows is not None:
        sides = _settled_sides(settlement_rows, breaks)
        breaks = [replace(one, settlement=sides.get(_key(one))) for one in breaks]
        breaks += _settlement_breaks(today, settlement_rows)
    broken = {_key(one) for one in breaks if one.ledger is not None}
    return Compared(numbered(date, breaks), _clean(today, broken), owned)


def _compare_with_providers(
    date: str,
    ledger: pl.DataFrame,
    today: pl.DataFrame,
    file_rows: pl.DataFrame,
    tolerance_days: int,
    judge: Judge,
) -> tuple[list[Break], pl.DataFrame]:
    """The breaks between ledger and providers, and the day's rows of the providers with whose they are."""
    matched, strays = _matched(ledger, file_rows, tolerance_days)
    # Before more frames are made: to judge may take processes that go through the books.
    rows = strays.filter(pl.col("date_file") == date).rows(named=True)
    judged = list(zip(rows, judge(rows) if rows else (), strict=True))
    first, again = _first_and_again(matched)
    again = again.filter(pl.col("date_file") == date).join(
        ledger.select(*KEY, *_LEDGER_COLUMNS), on=KEY, how="left", maintain_order="left"
    )
    paired = today.join(first.select(*KEY, *_FILE_COLUMNS), on=KEY, how="left")
    breaks = [
        *_provider_breaks(paired),
        *(_break(row, "duplicate") for row in again.iter_rows(named=True)),
        *(_stray(row, owner) for row, owner in judged),
    ]
    return breaks, _owned(date, matched, judged)


# ---- matching -----------------------------------------------------------------------------------------------------

_FILE_COLUMNS = ("line", "date_file", "provider_reference", "currency_file", "gross_file", "fee_file")
_LEDGER_COLUMNS = ("date", "currency", "gross", "provider_fee", "merchant_fee", "payment_id", "entity")


def _with_day(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(day=pl.col("date").str.to_date())


def _matched(
    ledger: pl.DataFrame, rows: pl.DataFrame, tolerance_days: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The providers' rows of which the ledger has the operation, with its merchant, and those it has none near enough
    of. Of a big day they are many, so they carry nothing else of the ledger's."""
    file_side = rows.rename(
        {name: f"{name}_file" for name in ("date", "day", "currency", "gross", "fee")}
    ).drop("at")
    joined = file_side.join(
        ledger.select(*KEY, "day", "merchant_id"), on=KEY, how="left", maintain_order="left"
    ).with_columns(distance=(pl.col("day_file") - pl.col("day")).dt.total_days().abs())
    near = (pl.col("distance") <= tolerance_days).fill_null(value=False)
    return joined.filter(near), joined.filter(~near)


def _first_and_again(matched: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of several rows of one operation the one that is nearest to the ledger's day counts; the others are again."""
    repeated = pl.col("reference").is_duplicated()
    several = matched.filter(repeated).sort("distance", "date_file", "line")
    nth = pl.int_range(pl.len()).over(KEY)
    several = several.with_columns(nth=nth)
    first = pl.concat(
        [matched.filter(~repeated), several.filter(pl.col("nth") == 0).drop("nth")], how="vertical"
    )
    return first, several.filter(pl.col("nth") > 0).drop("nth")


# ---- ledger and provider --------------------------------------------------------------------------------------------


def _provider_breaks(paired: pl.DataFrame) -> Iterator[Break]:
    same_currency = pl.col("currency") == pl.col("currency_file")
    classes: dict[BreakClass, pl.Expr] = {
        "missing_in_provider": pl.col("line").is_null(),
        "currency_mismatch": ~same_currency,
        "amount_over": same_currency & (pl.col("gross_file") > pl.col("gross")),
        "amount_under": same_currency & (pl.col("gross_file") < pl.col("gross")),
        "fee_mismatch": same_currency & (pl.col("fee_file") != pl.col("provider_fee")),
        "timing": pl.col("date_file") != pl.col("date"),
    }
    for break_class, holds in classes.items():
        for row in paired.filter(holds.fill_null(value=False)).iter_rows(named=True):
            yield _break(row, break_class)


def _break(row: Row, break_class: BreakClass) -> Break:
    return Break(
        break_class=break_class, between="ledger_provider",
        provider=row["provider"], operation=row["operation"], reference=row["reference"],
        provider_reference=row["provider_reference"], merchant_id=row["merchant_id"],
        payment_id=row["payment_id"], entity=row["entity"],
        ledger=_ledger_side(row), provider_file=_file_side(row) if row["line"] is not None else None,
    )  # fmt: skip


def _stray(row: Row, owner: Owner) -> Break:
    return Break(
        break_class=owner.break_class, between="ledger_provider",
        provider=row["provider"], operation=row["operation"], reference=row["reference"],
        provider_reference=row["provider_reference"], merchant_id=owner.merchant_id,
        payment_id=owner.payment_id, entity=owner.entity, provider_file=_file_side(row),
    )  # fmt: skip


def _ledger_side(row: Row) -> Side:
    return Side(row["date"], row["currency"], row["gross"], row["provider_fee"], row["merchant_fee"])


def _file_side(row: Row) -> Side:
    return Side(
        row["date_file"],
        row["currency_file"],
        row["gross_file"],
        provider_fee=row["fee_file"],
        line=row["line"],
    )


# ---- ledger and PayRail's settlement file ---------------------------------------------------------------------------


def _settlement_breaks(today: pl.DataFrame, settled: pl.DataFrame) -> Iterator[Break]:
    """The settlement file is made from the ledger: it has every item of the day, once, with the same figures."""
    nth = pl.int_range(pl.len()).over(KEY)
    repeated = pl.col("reference").is_duplicated()
    several = settled.filter(repeated).with_columns(nth=nth)
    first = pl.concat([settled.filter(~repeated), several.filter(pl.col("nth") == 0).drop("nth")])
    again = several.filter(pl.col("nth") > 0)
    theirs = first.rename({name: f"{name}_settled" for name in _SETTLED_FIGURES})
    paired = today.join(
        theirs.select(*KEY, "line", *(f"{n}_settled" for n in _SETTLED_FIGURES)), on=KEY, how="left"
    )
    same_currency = pl.col("currency") == pl.col("currency_settled")
    classes: dict[BreakClass, pl.Expr] = {
        "status_mismatch": pl.col("line").is_null(),
        "currency_mismatch": ~same_currency,
        "amount_over": same_currency & (pl.col("gross_settled") > pl.col("gross")),
        "amount_under": same_currency & (pl.col("gross_settled") < pl.col("gross")),
        "fee_mismatch": same_currency & (pl.col("fee_settled") != pl.col("merchant_fee")),
    }
    for break_class, holds in classes.items():
        for row in paired.filter(holds.fill_null(value=False)).iter_rows(named=True):
            yield _settled_break(row, break_class, row["date"], in_ledger=True)
    for row in first.join(today, on=KEY, how="anti").iter_rows(named=True):
        yield _settled_break(row, "missing_in_ledger", row["date"], in_ledger=False)
    for row in again.iter_rows(named=True):
        yield _settled_break(row, "duplicate", row["date"], in_ledger=False)


_SETTLED_FIGURES = ("currency", "gross", "fee")


def _settled_break(row: Row, break_class: BreakClass, date: str, *, in_ledger: bool) -> Break:
    suffix = "_settled" if in_ledger else ""
    side = None
    if row["line"] is not None:
        figures = [row[f"{name}{suffix}"] for name in _SETTLED_FIGURES]
        side = Side(date, figures[0], figures[1], merchant_fee=figures[2], line=row["line"])
    return Break(
        break_class=break_class, between="ledger_settlement",
        provider=row["provider"], operation=row["operation"], reference=row["reference"],
        merchant_id=row["merchant_id"], payment_id=row["payment_id"], entity=row.get("entity"),
        ledger=_ledger_side(row) if in_ledger else None, settlement=side,
    )  # fmt: skip


def _settled_sides(settled: pl.DataFrame, breaks: list[Break]) -> dict[tuple[str, str, str], Side]:
    """What the settlement file says of what differs between ledger and provider: the third party's word."""
    wanted = settled.filter(pl.col("reference").is_in([one.reference for one in breaks]))
    return {
        (row["provider"], row["operation"], row["reference"]): Side(
            row["date"], row["currency"], row["gross"], merchant_fee=row["fee"], line=row["line"]
        )
        for row in wanted.iter_rows(named=True)
    }


def _key(one: Break) -> tuple[str, str, str]:
    return one.provider, one.operation, one.reference


# ---- sums -----------------------------------------------------------------------------------------------------------


def _clean(today: pl.DataFrame, broken: set[tuple[str, str, str]]) -> pl.DataFrame:
    keys = pl.DataFrame(sorted(broken), schema=dict.fromkeys(KEY, pl.String), orient="row")
    return today.join(keys, on=KEY, how="anti").select("merchant_id", *KEY)


def _owned(date: str, matched: pl.DataFrame, judged: list[tuple[Row, Owner]]) -> pl.DataFrame:
    """Every row of the day's files, with whose it is."""
    schema = {
        "merchant_id": pl.String,
        "provider": pl.String,
        "currency": pl.String,
        "gross": pl.Int64,
        "fee": pl.Int64,
    }
    of_ledger = matched.filter(pl.col("date_file") == date).select(
        "merchant_id", "provider", currency="currency_file", gross="gross_file", fee="fee_file"
    )
    others = [
        (owner.merchant_id, row["provider"], row["currency_file"], row["gross_file"], row["fee_file"])
        for row, owner in judged
    ]
    return pl.concat([of_ledger, pl.DataFrame(others, schema=schema, orient="row")])
