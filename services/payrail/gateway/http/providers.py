"""The handlers of the providers' health board and of failures on demand."""

from payrail.gateway.flows.clear_provider_failures import clear_provider_failures
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.inject_provider_failure import inject_provider_failure
from payrail.gateway.flows.list_providers import list_providers
from payrail.gateway.http.answers import answer, request_of
from payrail.runtime.contract_app import Answer, Call


async def _list(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await list_providers(gateway, call.correlation_id))


async def _inject(gateway: Gateway, call: Call) -> Answer:
    provider = call.path["provider_id"]
    call.log.update(provider=provider, mode=call.body["mode"])
    return answer(call, await inject_provider_failure(gateway, request_of(call), provider, call.body))


async def _clear(gateway: Gateway, call: Call) -> Answer:
    provider = call.path["provider_id"]
    call.log["provider"] = provider
    return answer(call, await clear_provider_failures(gateway, request_of(call), provider))


HANDLERS = {
    "list_providers": _list,
    "inject_provider_failure": _inject,
    "clear_provider_failures": _clear,
}
