"""The way to the gateway: webhooks through its generated client, signed as Standard Webhooks has it."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, cast

import orjson
from standardwebhooks.webhooks import Webhook

from payrail.provider_sim.webhooks import Message
from payrail.runtime.client_errors import NO_ANSWER
from payrail_sdk.gateway import Client
from payrail_sdk.gateway.api.webhooks import receive_provider_webhook
from payrail_sdk.gateway.models import ProviderWebhook

#: What signs a message on purpose with a secret that nobody has.
_WRONG = Webhook("whsec_d3JvbmctcGVyaGFwcy1idXQtbG9uZy1lbm91Z2g=")

#: What takes requests as `httpx.AsyncClient` does; asked for when it is needed, since the gateway starts last.
HttpClient = Callable[[], Any]


class GatewayClient:
    """Sends webhooks. `secrets` has those of each provider; a message is signed with every one of them."""

    def __init__(self, base_url: str, http_client: HttpClient, secrets: Mapping[str, Sequence[str]]) -> None:
        self._client = Client(base_url=base_url)
        self._client.set_async_httpx_client(cast("Any", _AsWritten(http_client)))
        self._keys = {provider: [Webhook(one) for one in several] for provider, several in secrets.items()}

    async def send(self, message: Message) -> bool:
        """Whether the gateway has taken the message. Raises nothing."""
        keys = [_WRONG] if message.badly_signed else self._keys[message.provider_id]
        body = _WrittenWebhook(message.body)
        text = body.content.decode()
        try:
            answer = await receive_provider_webhook.asyncio_detailed(
                client=self._client,
                body=body,
                x_provider_id=cast("Literal['providerA', 'providerB']", message.provider_id),
                webhook_id=message.id,
                webhook_timestamp=str(int(message.sent_at.timestamp())),
                webhook_signature=" ".join(key.sign(message.id, message.sent_at, text) for key in keys),
                x_correlation_id=message.id,
            )
        except NO_ANSWER:
            return False
        return answer.status_code == HTTPStatus.OK


class _WrittenWebhook(ProviderWebhook):
    """A webhook's body as the bytes that are signed and sent; `told` is the contract's `ProviderWebhook`."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.content = orjson.dumps(told)

    def to_dict(self) -> dict[str, Any]:
        return {"content": self.content}


class _AsWritten:
    """Stands between the generated client and what sends: a signed body goes out as it was written."""

    def __init__(self, inner: HttpClient) -> None:
        self._inner = inner

    async def request(self, *, json: Mapping[str, bytes], **more: Any) -> Any:
        return await self._inner().request(content=json["content"], **more)
