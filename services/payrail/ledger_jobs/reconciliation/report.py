"""The report of a reconciliation: what was compared, what agrees, what each party's sums are, and every break."""

from collections import defaultdict
from collections.abc import Mapping

import polars as pl

from payrail.ledger_jobs.reconciliation.breaks import (
    Break,
    Figures,
    Outcome,
    Report,
    SourceRows,
    Total,
    counted,
)
from payrail.ledger_jobs.reconciliation.three_way import Compared

_OF = ["merchant_id", "provider", "currency"]
_Sums = dict[tuple[str | None, str, str], Figures]


def report_of(
    date: str,
    tolerance_days: int,
    compared: Compared,
    movements: pl.DataFrame,
    settlement_rows: pl.DataFrame | None,
    *,
    final: bool,
    settlement: SourceRows | None,
    providers: Mapping[str, SourceRows],
) -> Report:
    """The report. `movements` may be of more days than this one, `settlement_rows` are of this one alone."""
    today = movements.filter(pl.col("date") == date)
    return Report(
        date=date,
        status="final" if final else "preliminary",
        tolerance_days=tolerance_days,
        ledger=SourceRows(today.height),
        settlement=settlement,
        providers=dict(sorted(providers.items())),
        outcomes=_outcomes(compared),
        totals=_totals(today, settlement_rows, compared.owned),
        breaks=compared.breaks,
    )


def _outcomes(compared: Compared) -> list[Outcome]:
    """By merchant; what is nobody's comes last."""
    clean = dict(compared.clean.group_by("merchant_id").len().iter_rows())
    breaks: defaultdict[str | None, list[Break]] = defaultdict(list)
    for one in compared.breaks:
        breaks[one.merchant_id].append(one)
    merchants = sorted(clean.keys() | breaks.keys(), key=lambda name: (name is None, name))
    return [
        Outcome(merchant_id=name, matched=clean.get(name, 0), breaks=counted(breaks.get(name, [])))
        for name in merchants
    ]


def _totals(today: pl.DataFrame, settled: pl.DataFrame | None, owned: pl.DataFrame) -> list[Total]:
    ledger, files = _sums(today, "provider_fee"), _sums(owned, "fee")
    settlement = _sums(settled, "fee") if settled is not None else {}
    keys = sorted(
        ledger.keys() | files.keys() | settlement.keys(), key=lambda key: (key[0] is None, *map(str, key))
    )
    return [
        Total(
            merchant_id=key[0], provider=key[1], currency=key[2],
            ledger=ledger.get(key, Figures()),
            settlement=settlement.get(key, Figures()) if settled is not None else None,
            provider_file=files.get(key, Figures()),
        )
        for key in keys
    ]  # fmt: skip


def _sums(frame: pl.DataFrame, fee: str) -> _Sums:
    summed = frame.group_by(_OF).agg(
        pl.len().alias("items"), pl.col("gross").sum(), pl.col(fee).sum().alias("fees")
    )
    return {
        (row["merchant_id"], row["provider"], row["currency"]): Figures(
            row["items"], row["gross"], row["fees"]
        )
        for row in summed.iter_rows(named=True)
    }
