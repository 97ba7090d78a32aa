"""The handlers of settled days."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.generate_settlement import generate_settlement
from payrail.gateway.flows.get_settlement import get_settlement, get_settlement_csv
from payrail.gateway.flows.list_settlements import list_settlements
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call

_CSV, _JSON = "text/csv", "application/json"


async def _list(gateway: Gateway, call: Call) -> Answer:
    page = await list_settlements(gateway, call.caller, **place_of(call), correlation_id=call.correlation_id)
    return Answer(200, page)


async def _get(gateway: Gateway, call: Call) -> Answer:
    date, correlation_id = call.path["date"], call.correlation_id
    if _wants_csv(call.accept):
        rows = await get_settlement_csv(gateway, call.caller, date, correlation_id)
        return Answer(200, rows, media_type=_CSV)
    page = await get_settlement(gateway, call.caller, date, **place_of(call), correlation_id=correlation_id)
    return Answer(200, page)


async def _generate(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await generate_settlement(gateway, request_of(call), call.path["date"]))


def _wants_csv(accept: str) -> bool:
    """Whether CSV is named, and JSON is not named before it; whoever names neither gets JSON."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return _CSV in named and (_JSON not in named or named.index(_CSV) < named.index(_JSON))


HANDLERS = {
    "list_settlements": _list,
    "get_settlement": _get,
    "generate_settlement": _generate,
}
