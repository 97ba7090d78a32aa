"""The way to the gateway: webhooks through its generated client, signed as Standard Webhooks has it."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, cast

import httpx
import orjson
from standardwebhooks.webhooks import Webhook

from payrail.provider_sim.webhooks import Message
from payrail_sdk.gateway import Client
from payrail_sdk.gateway.api.webhooks import receive_provider_webhook
from payrail_sdk.gateway.models import ProviderWebhook

#: What signs a message on purpose with a secret that nobody has.
_WRONG = Webhook("whsec_d3JvbmctcGVyaGFwcy1idXQtbG9uZy1lbm91Z2g=")
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)

#: What takes requests as `httpx.AsyncClient` does; asked for when it is needed, since the gateway starts last.
HttpClient = Callable[[], Any]


class GatewayClient:
    """Sends webhooks. `secrets` has those of each provider; a message is signed with every one of them."""

    def __init__(self, base_url: str, http_client: HttpClient, secrets: Mapping[str, Sequence[str]]) -> None:
        self._base_url = base_url
        self._http_client = http_client
        self._keys = {provider: [Webhook(one) for one in several] for provider, several in secrets.items()}

    async def send(self, message: Message) -> bool:
        """Whether the gateway has taken the message. Raises nothing."""
        keys = [_WRONG] if message.misdirected else self._keys[message.provider_id]
        client = Client(base_url=self._base_url)
        client.set_async_httpx_client(cast("Any", _Signing(self._http_client(), message, keys)))
        try:
            answer = await receive_provider_webhook.asyncio_detailed(
                client=client,
                body=ProviderWebhook.from_dict(message.body),
                x_provider_id=cast("Literal['providerA', 'providerB']", message.provider_id),
                webhook_id=message.id,
                webhook_timestamp=str(int(message.sent_at.timestamp())),
                webhook_signature="",  # Of the bytes that are sent: `_Signing` puts it in its place.
                x_correlation_id=message.id,
            )
        except (httpx.HTTPError, *_UNREADABLE):
            return False
        return answer.status_code == HTTPStatus.OK


class _Signing:
    """Stands between a generated client and what sends: writes the body once, and signs exactly those bytes."""

    def __init__(self, inner: Any, message: Message, keys: Sequence[Webhook]) -> None:
        self._inner = inner
        self._message = message
        self._keys = keys

    async def request(self, *, json: Any, headers: Mapping[str, str], **more: Any) -> Any:
        content = orjson.dumps(json)
        text, message = content.decode(), self._message
        signatures = " ".join(key.sign(message.id, message.sent_at, text) for key in self._keys)
        signed = {**headers, "webhook-signature": signatures}
        return await self._inner.request(content=content, headers=signed, **more)
