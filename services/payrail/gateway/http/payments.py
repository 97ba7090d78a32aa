"""The handlers of payments: translate in, call one flow, translate out."""

from payrail.gateway.flows.authorize_payment import authorize_payment
from payrail.gateway.flows.cancel_payment import cancel_payment
from payrail.gateway.flows.capture_payment import capture_payment
from payrail.gateway.flows.create_payment import create_payment
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_payment import get_payment
from payrail.gateway.flows.list_payment_ledger import list_payment_ledger
from payrail.gateway.flows.list_payments import PaymentFilter, list_payments
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.bodies import require_short_keys
from payrail.gateway.http.queries import conditions_of, place_of
from payrail.gateway.ports import CardDetails
from payrail.runtime.contract_app import Answer, Call


async def _create(gateway: Gateway, call: Call) -> Answer:
    require_short_keys(call.body.get("metadata") or {})
    terms = {"capture_method": "manual", "country": "US", **call.body}
    method = terms.pop("payment_method")
    rendered = await create_payment(
        gateway,
        request_of(call),
        card=CardDetails(**method["card"]) if "card" in method else None,
        token=method.get("token"),
        terms=terms,
    )
    return answer(call, rendered)


async def _authorize(gateway: Gateway, call: Call) -> Answer:
    cvc = (call.body or {}).get("cvc")
    return answer(call, await authorize_payment(gateway, request_of(call), call.path["payment_id"], cvc))


async def _capture(gateway: Gateway, call: Call) -> Answer:
    body = call.body or {}
    rendered = await capture_payment(
        gateway,
        request_of(call),
        call.path["payment_id"],
        body.get("amount"),
        final=body.get("final", False),
    )
    return answer(call, rendered)


async def _cancel(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await cancel_payment(gateway, request_of(call), call.path["payment_id"]))


async def _get(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_payment(gateway, call.caller, call.path["payment_id"]))


async def _list(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await list_payments(gateway, call.caller, _filter(call), **place_of(call)))


async def _ledger(gateway: Gateway, call: Call) -> Answer:
    page = await list_payment_ledger(gateway, call.caller, call.path["payment_id"], **place_of(call))
    return Answer(200, page)


HANDLERS = {
    "create_payment": _create,
    "list_payments": _list,
    "get_payment": _get,
    "authorize_payment": _authorize,
    "capture_payment": _capture,
    "cancel_payment": _cancel,
    "list_payment_ledger": _ledger,
}


def _filter(call: Call) -> PaymentFilter:
    conditions = conditions_of(call)
    states = frozenset(conditions.pop("state", None) or ())
    return PaymentFilter(states=states, **conditions)
