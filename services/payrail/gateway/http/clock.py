"""The handlers of the clock."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_clock import get_clock
from payrail.gateway.flows.move_clock import move_clock
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.bodies import either_of
from payrail.runtime.contract_app import Answer, Call


async def _get(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_clock(gateway))


async def _move(gateway: Gateway, call: Call) -> Answer:
    advance_s, to = either_of(call.body, "advance_s", "set")
    return answer(call, await move_clock(gateway, request_of(call), advance_s, to))


HANDLERS = {"get_clock": _get, "move_clock": _move}
