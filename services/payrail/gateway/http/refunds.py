"""The handlers of refunds: translate in, call one flow, translate out."""

from payrail.gateway.flows.approve_refund import approve_refund
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_refund import get_refund
from payrail.gateway.flows.list_refunds import RefundFilter, list_refunds
from payrail.gateway.flows.reject_refund import reject_refund
from payrail.gateway.flows.request_refund import request_refund
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call


async def _request(gateway: Gateway, call: Call) -> Answer:
    body = call.body
    rendered = await request_refund(
        gateway, request_of(call), body["payment_id"], body.get("amount"), body["reason"]
    )
    return answer(call, rendered)


async def _approve(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await approve_refund(gateway, request_of(call), call.path["refund_id"]))


async def _reject(gateway: Gateway, call: Call) -> Answer:
    return answer(call, await reject_refund(gateway, request_of(call), call.path["refund_id"]))


async def _get(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_refund(gateway, call.caller, call.path["refund_id"]))


async def _list(gateway: Gateway, call: Call) -> Answer:
    wanted = RefundFilter(frozenset(call.query.get("state") or ()), call.query.get("payment_id"))
    return Answer(200, await list_refunds(gateway, call.caller, wanted, **place_of(call)))


HANDLERS = {
    "request_refund": _request,
    "list_refunds": _list,
    "get_refund": _get,
    "approve_refund": _approve,
    "reject_refund": _reject,
}
