"""The handlers of health."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_health import get_health
from payrail.runtime.contract_app import Answer, Call


async def _health(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_health(gateway))


HANDLERS = {"get_health": _health}
