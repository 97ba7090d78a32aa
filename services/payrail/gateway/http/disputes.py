"""The handlers of disputes: translate in, call one flow, translate out."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_dispute import get_dispute
from payrail.gateway.flows.list_disputes import DisputeFilter, list_disputes
from payrail.gateway.flows.open_dispute import open_dispute
from payrail.gateway.flows.resolve_dispute import resolve_dispute
from payrail.gateway.flows.submit_evidence import submit_evidence
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call


async def _open(gateway: Gateway, call: Call) -> Answer:
    body = call.body
    rendered = await open_dispute(
        gateway, request_of(call), body["payment_id"], body.get("amount"), body["reason"]
    )
    return answer(call, rendered)


async def _evidence(gateway: Gateway, call: Call) -> Answer:
    dispute_id, body = call.path["dispute_id"], call.body
    return answer(
        call, await submit_evidence(gateway, request_of(call), dispute_id, body["kind"], body["text"])
    )


async def _resolve(gateway: Gateway, call: Call) -> Answer:
    dispute_id, outcome = call.path["dispute_id"], call.body["outcome"]
    return answer(call, await resolve_dispute(gateway, request_of(call), dispute_id, outcome))


async def _get(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_dispute(gateway, call.caller, call.path["dispute_id"]))


async def _list(gateway: Gateway, call: Call) -> Answer:
    wanted = DisputeFilter(frozenset(call.query.get("state") or ()), call.query.get("payment_id"))
    return Answer(200, await list_disputes(gateway, call.caller, wanted, **place_of(call)))


HANDLERS = {
    "open_dispute": _open,
    "list_disputes": _list,
    "get_dispute": _get,
    "submit_evidence": _evidence,
    "resolve_dispute": _resolve,
}
