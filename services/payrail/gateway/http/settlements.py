"""The handlers of settled days."""

import re

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.generate_settlement import generate_settlement
from payrail.gateway.flows.get_settlement import get_settlement, get_settlement_csv
from payrail.gateway.flows.list_settlements import list_settlements
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call

_CSV, _JSON = "text/csv", "application/json"
_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


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
    """Whether CSV is named and JSON not preferred, by weight (RFC 9110, 12.4.2) and then by place; whoever names
    neither gets JSON."""
    ranges = [_weighed(part) for part in accept.split(",")]
    weights = dict(reversed(ranges))
    csv, json = weights.get(_CSV, 0.0), weights.get(_JSON, 0.0)
    named = [name for name, _ in ranges if name in (_CSV, _JSON)]
    return csv > json or (csv == json > 0 and named[0] == _CSV)


def _weighed(media_range: str) -> tuple[str, float]:
    """A media range of `Accept` without its parameters, and its weight: 1 without one, 0 where it cannot be read."""
    name, *parameters = media_range.lower().replace(" ", "").split(";")
    weight = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
    return name, float(weight) if _WEIGHT.fullmatch(weight) else 0.0


HANDLERS = {
    "list_settlements": _list,
    "get_settlement": _get,
    "generate_settlement": _generate,
}
