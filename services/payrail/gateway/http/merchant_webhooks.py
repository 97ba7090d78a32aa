"""The handlers of webhooks to merchants: endpoints, deliveries and dead letters."""

from payrail.gateway.flows.create_webhook_endpoint import create_webhook_endpoint
from payrail.gateway.flows.delete_webhook_endpoint import delete_webhook_endpoint
from payrail.gateway.flows.enable_webhook_endpoint import enable_webhook_endpoint
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_dead_letter import get_dead_letter
from payrail.gateway.flows.get_webhook_endpoint import get_webhook_endpoint
from payrail.gateway.flows.list_dead_letters import list_dead_letters
from payrail.gateway.flows.list_event_deliveries import list_event_deliveries
from payrail.gateway.flows.list_webhook_endpoints import list_webhook_endpoints
from payrail.gateway.flows.redeliver_event import redeliver_event
from payrail.gateway.flows.redrive_dead_letters import redrive_dead_letter, redrive_dead_letters
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call


async def _create(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await create_webhook_endpoint(gateway, request_of(call), call.body))


async def _list(gateway: Gateway, call: Call) -> Answer:
    page = await list_webhook_endpoints(
        gateway, call.caller, **place_of(call), correlation_id=call.correlation_id
    )
    return Answer(200, page)


async def _get(gateway: Gateway, call: Call) -> Answer:
    endpoint_id = call.path["endpoint_id"]
    return Answer(200, await get_webhook_endpoint(gateway, call.caller, endpoint_id, call.correlation_id))


async def _enable(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await enable_webhook_endpoint(gateway, request_of(call), call.path["endpoint_id"]))


async def _delete(gateway: Gateway, call: Call) -> Answer:
    await delete_webhook_endpoint(gateway, request_of(call), call.path["endpoint_id"])
    return Answer(204)


async def _redeliver(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await redeliver_event(gateway, request_of(call), call.path["event_id"]))


async def _deliveries(gateway: Gateway, call: Call) -> Answer:
    event_id = call.path["event_id"]
    return Answer(200, await list_event_deliveries(gateway, call.caller, event_id, call.correlation_id))


async def _dead_letters(gateway: Gateway, call: Call) -> Answer:
    page = await list_dead_letters(gateway, call.caller, **place_of(call), correlation_id=call.correlation_id)
    return Answer(200, page)


async def _dead_letter(gateway: Gateway, call: Call) -> Answer:
    letter_id = call.path["dead_letter_id"]
    return Answer(200, await get_dead_letter(gateway, call.caller, letter_id, call.correlation_id))


async def _redrive(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await redrive_dead_letter(gateway, request_of(call), call.path["dead_letter_id"]))


async def _redrive_all(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await redrive_dead_letters(gateway, request_of(call)))


HANDLERS = {
    "create_webhook_endpoint": _create,
    "list_webhook_endpoints": _list,
    "get_webhook_endpoint": _get,
    "enable_webhook_endpoint": _enable,
    "delete_webhook_endpoint": _delete,
    "redeliver_event": _redeliver,
    "list_event_deliveries": _deliveries,
    "list_dead_letters": _dead_letters,
    "get_dead_letter": _dead_letter,
    "redrive_dead_letter": _redrive,
    "redrive_dead_letters": _redrive_all,
}
