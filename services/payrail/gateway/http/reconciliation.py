"""The handlers of reconciled days."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_reconciliation import get_reconciliation
from payrail.gateway.flows.list_reconciliations import list_reconciliations
from payrail.gateway.flows.resolve_break import resolve_break
from payrail.gateway.flows.run_reconciliation import run_reconciliation
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import conditions_of, place_of
from payrail.runtime.contract_app import Answer, Call


async def _list(gateway: Gateway, call: Call) -> Answer:
    page = await list_reconciliations(
        gateway, call.caller, **place_of(call), correlation_id=call.correlation_id
    )
    return Answer(200, page)


async def _get(gateway: Gateway, call: Call) -> Answer:
    date, wanted = call.path["date"], conditions_of(call)
    day = await get_reconciliation(
        gateway, call.caller, date, wanted, **place_of(call), correlation_id=call.correlation_id
    )
    return Answer(200, day)


async def _run(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await run_reconciliation(gateway, request_of(call), call.path["date"]))


async def _resolve_break(gateway: Gateway, call: Call) -> Answer:
    date, break_id = call.path["date"], call.path["break_id"]
    return answer(call, await resolve_break(gateway, request_of(call), date, break_id, **call.body))


HANDLERS = {
    "list_reconciliations": _list,
    "get_reconciliation": _get,
    "run_reconciliation": _run,
    "resolve_break": _resolve_break,
}
