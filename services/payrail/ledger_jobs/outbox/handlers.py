"""The operations of the outbox in the jobs' contract: translate in, call one operation, translate out."""

from collections.abc import Awaitable, Callable

from payrail.ledger_jobs.outbox import operations
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher
from payrail.runtime.clock import parse_rfc3339, rfc3339
from payrail.runtime.contract_app import Answer, Call

OutboxHandler = Callable[[Dispatcher, Call], Awaitable[Answer]]


async def _create(outbox: Dispatcher, call: Call) -> Answer:
    terms = {**call.body, "created_at": rfc3339(parse_rfc3339(call.body["created_at"]))}
    return Answer(201, await operations.create_webhook_endpoint(outbox, terms))


async def _list(outbox: Dispatcher, call: Call) -> Answer:
    query = call.query
    page = await operations.list_webhook_endpoints(
        outbox, query["merchant_id"], limit=query["limit"], cursor=query.get("cursor")
    )
    return Answer(200, page)


async def _get(outbox: Dispatcher, call: Call) -> Answer:
    endpoint_id = call.path["endpoint_id"]
    return Answer(200, operations.get_webhook_endpoint(outbox, call.query["merchant_id"], endpoint_id))


async def _enable(outbox: Dispatcher, call: Call) -> Answer:
    merchant_id, endpoint_id = call.query["merchant_id"], call.path["endpoint_id"]
    return Answer(200, await operations.enable_webhook_endpoint(outbox, merchant_id, endpoint_id))


async def _delete(outbox: Dispatcher, call: Call) -> Answer:
    await operations.delete_webhook_endpoint(outbox, call.query["merchant_id"], call.path["endpoint_id"])
    return Answer(204)


async def _redeliver(outbox: Dispatcher, call: Call) -> Answer:
    event_id = call.path["event_id"]
    return Answer(202, await operations.redeliver_event(outbox, call.query["merchant_id"], event_id))


async def _deliveries(outbox: Dispatcher, call: Call) -> Answer:
    event_id = call.path["event_id"]
    return Answer(200, await operations.list_event_deliveries(outbox, call.query["merchant_id"], event_id))


async def _dead_letters(outbox: Dispatcher, call: Call) -> Answer:
    query = call.query
    page = await operations.list_dead_letters(
        outbox, query["merchant_id"], limit=query["limit"], cursor=query.get("cursor")
    )
    return Answer(200, page)


async def _dead_letter(outbox: Dispatcher, call: Call) -> Answer:
    letter_id = call.path["dead_letter_id"]
    return Answer(200, operations.get_dead_letter(outbox, call.query["merchant_id"], letter_id))


async def _redrive(outbox: Dispatcher, call: Call) -> Answer:
    letter_id = call.path["dead_letter_id"]
    return Answer(202, await operations.redrive_dead_letter(outbox, call.query["merchant_id"], letter_id))


async def _redrive_all(outbox: Dispatcher, call: Call) -> Answer:
    return Answer(202, await operations.redrive_dead_letters(outbox, call.query["merchant_id"]))


OUTBOX_HANDLERS: dict[str, OutboxHandler] = {
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
