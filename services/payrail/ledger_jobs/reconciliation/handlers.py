"""The operations of the contract on reconciliation: reading reports, and saying something of a break."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from payrail.ledger_jobs.reconciliation import store
from payrail.ledger_jobs.reconciliation.break_states import BreakStates, Said
from payrail.ledger_jobs.reconciliation.breaks import Break, Report
from payrail.ledger_jobs.reconciliation.views import break_view, report_view, summary_view
from payrail.runtime.clock import Clock, rfc3339_of_ms
from payrail.runtime.contract_app import Answer, Call
from payrail.runtime.pages import newest_first


class NotReconciled(Exception):
    """There is no report of the day."""

    code: ClassVar[str] = "not_found"

    def __init__(self, date: str) -> None:
        self.detail = f"{date} has not been reconciled."
        super().__init__(self.detail)


class BreakNotFound(Exception):
    """The day's report has no such break of the merchant."""

    code: ClassVar[str] = "not_found"
    detail = "No break with this id."


class ReconciledDays(Struct, frozen=True):
    """The reports, and what was said of their breaks."""

    reports: Path
    states: BreakStates
    clock: Clock

    async def report(self, date: str) -> Report:
        """The day's report. Raises `NotReconciled`."""
        report = await asyncio.to_thread(store.read_report, self.reports, date)
        if report is None:
            raise NotReconciled(date)
        return report


ReconciliationHandler = Callable[[ReconciledDays, Call], Awaitable[Answer]]


async def _list(days: ReconciledDays, call: Call) -> Answer:
    query, words = call.query, days.states.latest()
    dates = await asyncio.to_thread(store.dates, days.reports)
    found, next_cursor = await newest_first(
        dates[::-1], str, lambda _date: True, limit=query["limit"], cursor=query.get("cursor")
    )
    reports = [await days.report(date) for date in found]
    data = [summary_view(report, query["merchant_id"], words) for report in reports]
    return Answer(200, {"data": data, "next_cursor": next_cursor})


async def _get(days: ReconciledDays, call: Call) -> Answer:
    query, report = call.query, await days.report(call.path["date"])
    view = report_view(
        report, query["merchant_id"], days.states.latest(),
        break_class=query.get("class"), state=query.get("state"),
        limit=query["limit"], cursor=query.get("cursor"),
    )  # fmt: skip
    return Answer(200, view)


async def _resolve_break(days: ReconciledDays, call: Call) -> Answer:
    date, body = call.path["date"], call.body
    one = _find(await days.report(date), call.path["break_id"], body["merchant_id"])
    said = await days.states.say(_said(call, one, rfc3339_of_ms(days.clock.now_ms())))
    return Answer(200, break_view(date, one, said))


def _said(call: Call, one: Break, at: str) -> Said:
    body: dict[str, Any] = call.body
    return Said(
        one.id, call.path["date"], body["state"], body["user_id"], body["role"], body["reason"],
        call.correlation_id, at,
    )  # fmt: skip


def _find(report: Report, break_id: str, merchant_id: str) -> Break:
    for one in report.breaks:
        if one.id == break_id and one.merchant_id == merchant_id:
            return one
    raise BreakNotFound


RECONCILIATION_HANDLERS: dict[str, ReconciliationHandler] = {
    "list_reconciliations": _list,
    "get_reconciliation": _get,
    "resolve_break": _resolve_break,
}
