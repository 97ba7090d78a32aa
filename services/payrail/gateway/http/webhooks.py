"""The handlers of the providers' webhooks."""

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.list_unmatched_webhooks import list_unmatched_webhooks
from payrail.gateway.flows.receive_provider_webhook import receive_provider_webhook
from payrail.gateway.http.queries import place_of
from payrail.runtime.contract_app import Answer, Call


async def _receive(gateway: Gateway, call: Call) -> Answer:
    provider = call.headers["x-provider-id"]
    call.log.update(provider=provider, webhook_id=call.headers["webhook-id"])
    notice = gateway.notices.read(provider, call.headers, call.raw_body, call.body)
    call.log["reference"] = notice.reference
    result = await receive_provider_webhook(gateway, notice, call.correlation_id)
    call.log["outcome"] = result
    return Answer(200, {"result": result})


async def _unmatched(gateway: Gateway, call: Call) -> Answer:
    return Answer(200, await list_unmatched_webhooks(gateway, call.caller, **place_of(call)))


HANDLERS = {"receive_provider_webhook": _receive, "list_unmatched_webhooks": _unmatched}
