"""The handlers of routing."""

from payrail.gateway.domain.routing import Facts
from payrail.gateway.flows.explain_routing import explain_payment, explain_routing
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_routing import get_routing
from payrail.runtime.contract_app import Answer, Call


async def _get(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_routing(gateway))


async def _explain(gateway: Gateway, call: Call) -> Answer:
    if "payment_id" in call.body:
        return Answer(200, await explain_payment(gateway, call.caller, call.body["payment_id"]))
    facts = {"country": "US", **call.body}
    return Answer(200, explain_routing(gateway, Facts(**facts)))


HANDLERS = {"get_routing": _get, "explain_routing": _explain}
