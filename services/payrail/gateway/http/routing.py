"""The handlers of routing."""

from typing import Any

from payrail.gateway.domain.routing import Facts
from payrail.gateway.flows.explain_routing import explain_payment, explain_routing
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_routing import get_routing
from payrail.gateway.http.bodies import invalid_field
from payrail.runtime.contract_app import Answer, Call


async def _get(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_routing(gateway))


async def _explain(gateway: Gateway, call: Call) -> Answer:
    body = call.body
    if "payment_id" in body:
        _require_alone(body)
        return Answer(200, await explain_payment(gateway, call.caller, body["payment_id"]))
    for name in ("amount", "currency"):
        if name not in body:
            raise invalid_field(f"/{name}", "is required without payment_id")
    return Answer(200, explain_routing(gateway, Facts(**{"country": "US", **body})))


def _require_alone(body: dict[str, Any]) -> None:
    if other := next((name for name in body if name != "payment_id"), None):
        raise invalid_field(f"/{other}", "does not go with payment_id, which says all of the payment")


HANDLERS = {"get_routing": _get, "explain_routing": _explain}
