"""The handlers of customers."""

from payrail.gateway.flows.create_customer import create_customer
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_customer import get_customer
from payrail.gateway.flows.list_customers import CustomerFilter, list_customers
from payrail.gateway.flows.save_payment_method import save_payment_method
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.bodies import either_of, require_short_keys
from payrail.gateway.http.queries import place_of
from payrail.gateway.ports import CardDetails
from payrail.runtime.contract_app import Answer, Call


async def _create(gateway: Gateway, call: Call) -> Answer:
    require_short_keys(call.body.get("metadata") or {})
    return answer(call, await create_customer(gateway, request_of(call), call.body))


async def _get(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, get_customer(gateway, call.caller, call.path["customer_id"]))


async def _list(gateway: Gateway, call: Call) -> Answer:
    wanted = CustomerFilter(call.query.get("email"), call.query.get("q"))
    return Answer(200, await list_customers(gateway, call.caller, wanted, **place_of(call)))


async def _save(gateway: Gateway, call: Call) -> Answer:
    card, token = either_of(call.body, "card", "token")
    details = CardDetails(**card) if card else None
    customer_id = call.path["customer_id"]
    return answer(call, await save_payment_method(gateway, request_of(call), customer_id, details, token))


HANDLERS = {
    "create_customer": _create,
    "list_customers": _list,
    "get_customer": _get,
    "save_payment_method": _save,
}
