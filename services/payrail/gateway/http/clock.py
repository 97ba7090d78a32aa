"""The handlers of the clock."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_clock import get_clock
from payrail.gateway.flows.move_clock import move_clock
from payrail.gateway.http.answers import answer, request_of
from payrail.runtime.contract_app import Answer, Call
from payrail.runtime.problems import Problem


async def _get(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_clock(gateway))


async def _move(gateway: Gateway, call: Call) -> Answer:
    advance_s, to = call.body.get("advance_s"), call.body.get("set")
    if (advance_s is None) == (to is None):
        # OpenAPI 3.0 cannot say it so that generated clients understand; the contract says it in words.
        raise Problem(
            422, "validation_failed", "The request body is not valid", "Give one of advance_s and set.",
            errors=[{"pointer": "/advance_s", "message": "either this or set is required, not both"}],
        )  # fmt: skip
    return answer(call, await move_clock(gateway, request_of(call), advance_s, to))


HANDLERS = {"get_clock": _get, "move_clock": _move}
