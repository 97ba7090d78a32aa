"""The handlers of routing."""

from typing import Any

from payrail.gateway.domain.routing import Facts
from payrail.gateway.flows.explain_routing import explain_payment, explain_routing
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_routing import get_routing
from payrail.runtime.contract_app import Answer, Call
from payrail.runtime.problems import Problem


async def _get(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_routing(gateway))


async def _explain(gateway: Gateway, call: Call) -> Answer:
    body = call.body
    if "payment_id" in body:
        _require_alone(body)
        return Answer(200, await explain_payment(gateway, call.caller, body["payment_id"]))
    for name in ("amount", "currency"):
        if name not in body:
            raise _invalid(f"/{name}", "is required without payment_id")
    return Answer(200, explain_routing(gateway, Facts(**{"country": "US", **body})))


def _require_alone(body: dict[str, Any]) -> None:
    if other := next((name for name in body if name != "payment_id"), None):
        raise _invalid(f"/{other}", "does not go with payment_id, which says all of the payment")


def _invalid(pointer: str, message: str) -> Problem:
    """OpenAPI 3.0 cannot say it so that generated clients understand; the contract says it in words."""
    errors = [{"pointer": pointer, "message": message}]
    return Problem(
        422, "validation_failed", "The request body is not valid", "One field is not valid.", errors=errors
    )


HANDLERS = {"get_routing": _get, "explain_routing": _explain}
