"""The handlers of balances, of the summary, and of events."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_balances import get_balances
from payrail.gateway.flows.get_summary import get_summary
from payrail.gateway.flows.list_events import EventFilter, get_event, list_events
from payrail.gateway.http.queries import conditions_of, place_of
from payrail.runtime.contract_app import Answer, Call


async def _balances(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_balances(gateway, call.caller, call.query.get("at")))


async def _summary(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_summary(gateway, call.caller))


async def _events(gateway: Gateway, call: Call) -> Answer:
    conditions = conditions_of(call)
    types = frozenset(conditions.pop("type", None) or ())
    page = await list_events(gateway, call.caller, EventFilter(types, **conditions), **place_of(call))
    return Answer(200, page)


async def _event(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_event(gateway, call.caller, call.path["event_id"]))


HANDLERS = {
    "get_balances": _balances,
    "get_summary": _summary,
    "list_events": _events,
    "get_event": _event,
}
