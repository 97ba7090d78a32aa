"""The operations of the contract on settlement that read settled days: translate in, read the files, translate out."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from payrail.runtime.contract_app import Answer, Call

#: Gets the directory of the settled days.
SettlementHandler = Callable[[Path, Call], Awaitable[Answer]]


async def _list(directory: Path, call: Call) -> Answer:
    return Answer(200, await asyncio.to_thread(_summaries, directory, call))


async def _get(directory: Path, call: Call) -> Answer:
    return Answer(200, await asyncio.to_thread(_page, directory, call))


async def _export(directory: Path, call: Call) -> Answer:
    return Answer(200, await asyncio.to_thread(_csv, directory, call), media_type="text/csv")


# ---- beside the event loop: a day may have a million rows -----------------------------------------------------------


def _summaries(directory: Path, call: Call) -> dict[str, Any]:
    from payrail.ledger_jobs.settlement.views import list_settlements

    return list_settlements(directory, call.query["merchant_id"], **_place(call))


def _page(directory: Path, call: Call) -> dict[str, Any]:
    from payrail.ledger_jobs.settlement.views import settlement_page

    return settlement_page(directory, call.path["date"], call.query["merchant_id"], **_place(call))


def _csv(directory: Path, call: Call) -> bytes:
    from payrail.ledger_jobs.settlement.views import settlement_csv

    return settlement_csv(directory, call.path["date"], call.query["merchant_id"])


def _place(call: Call) -> dict[str, Any]:
    return {"limit": call.query["limit"], "cursor": call.query.get("cursor")}


SETTLEMENT_HANDLERS: dict[str, SettlementHandler] = {
    "list_settlements": _list,
    "get_settlement": _get,
    "export_settlement": _export,
}
