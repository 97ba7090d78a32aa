"""The handlers of health and metrics."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_health import get_health
from payrail.gateway.flows.get_metrics import get_metrics
from payrail.gateway.flows.get_services_health import get_services_health
from payrail.runtime.contract_app import Answer, Call
from payrail.runtime.metrics import MEDIA_TYPE


async def _health(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, get_health(gateway))


async def _services(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await get_services_health(gateway, call.correlation_id))


async def _metrics(gateway: Gateway, _call: Call) -> Answer:
    return Answer(200, await get_metrics(gateway), media_type=MEDIA_TYPE)


HANDLERS = {"get_health": _health, "get_services_health": _services, "get_metrics": _metrics}
