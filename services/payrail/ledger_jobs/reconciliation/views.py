"""What a merchant sees of a reconciliation: its own breaks and sums, with what was said of each break.

What is nobody's is in no merchant's view: a row that a provider made up, or sent to the wrong place, may be another
customer's.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from payrail.ledger_jobs.reconciliation.break_states import Said
from payrail.ledger_jobs.reconciliation.breaks import (
    BREAK_CLASSES,
    Break,
    Figures,
    Outcome,
    Report,
    Side,
    Total,
)
from payrail.runtime.pages import position_of, to_cursor

Words = Mapping[str, Said]


def summary_view(report: Report, merchant_id: str, words: Words) -> dict[str, Any]:
    """The contract's `ReconciliationSummary`."""
    outcome = _outcome(report, merchant_id)
    open_breaks = sum(_state(one, words) == "open" for one in report.breaks if one.merchant_id == merchant_id)
    return {
        "date": report.date,
        "status": report.status,
        "matched": outcome.matched,
        "breaks": {name: outcome.breaks.get(name, 0) for name in BREAK_CLASSES},
        "open_breaks": open_breaks,
    }


def report_view(
    report: Report,
    merchant_id: str,
    words: Words,
    *,
    break_class: str | None = None,
    state: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> dict[str, Any]:
    """The contract's `Reconciliation`: counts and sums of the day, a page of those breaks. Raises `InvalidCursor`.

    A cursor is a place in the report, so a rerun that changes the report may shift a page.
    """
    found: list[dict[str, Any]] = []
    place = position_of(cursor) if cursor is not None else 0
    next_cursor = None
    for at in range(place, len(report.breaks)):
        one = report.breaks[at]
        if one.merchant_id != merchant_id or break_class not in (None, one.break_class):
            continue
        if state not in (None, _state(one, words)):
            continue
        if len(found) == limit:
            next_cursor = to_cursor(at)
            break
        found.append(break_view(report.date, one, words.get(one.id)))
    return {
        **summary_view(report, merchant_id, words),
        "tolerance_days": report.tolerance_days,
        "totals": [_total_view(total) for total in report.totals if total.merchant_id == merchant_id],
        "data": found,
        "next_cursor": next_cursor,
    }


def break_view(date: str, one: Break, said: Said | None) -> dict[str, Any]:
    """The contract's `Break`."""
    return {
        "id": one.id,
        "date": date,
        "class": one.break_class,
        "state": said.state if said is not None else "open",
        "between": one.between,
        "provider": one.provider,
        "operation": one.operation,
        "reference": one.reference,
        "provider_reference": one.provider_reference,
        "payment_id": one.payment_id,
        "entity": one.entity,
        "ledger": _side_view(one.ledger),
        "settlement": _side_view(one.settlement),
        "provider_file": _side_view(one.provider_file),
        "word": _word_view(said),
    }


def _word_view(said: Said | None) -> dict[str, Any] | None:
    if said is None:
        return None
    actor = {"id": said.actor, "role": said.role}
    return {"state": said.state, "actor": actor, "reason": said.reason, "at": said.at}


def _side_view(side: Side | None) -> dict[str, Any] | None:
    return msgspec.structs.asdict(side) if side is not None else None


def _total_view(total: Total) -> dict[str, Any]:
    return {
        "provider": total.provider,
        "currency": total.currency,
        "ledger": _figures_view(total.ledger),
        "settlement": _figures_view(total.settlement) if total.settlement is not None else None,
        "provider_file": _figures_view(total.provider_file),
    }


def _figures_view(figures: Figures) -> dict[str, int]:
    return msgspec.structs.asdict(figures)


def _outcome(report: Report, merchant_id: str) -> Outcome:
    nothing = Outcome(merchant_id=merchant_id, matched=0, breaks={})
    return next((one for one in report.outcomes if one.merchant_id == merchant_id), nothing)


def _state(one: Break, words: Words) -> str:
    said = words.get(one.id)
    return said.state if said is not None else "open"
