"""Webhook endpoints, asynchronously. `webhook_endpoints` has the same methods, and says what each promises."""

from collections.abc import Sequence
from types import NoneType
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.webhook_endpoints import (
    create_webhook_endpoint,
    delete_webhook_endpoint,
    enable_webhook_endpoint,
    get_webhook_endpoint,
    list_webhook_endpoints,
)
from .gateway.models import (
    CreateWebhookEndpointRequest,
    EventType,
    NewWebhookEndpoint,
    WebhookEndpoint,
    WebhookEndpointList,
)
from .pages import AsyncListing, Page
from .params import or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncWebhookEndpoints:
    """As `WebhookEndpoints`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawWebhookEndpoints":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawWebhookEndpoints(self)

    async def create(
        self,
        *,
        url: str,
        event_types: Sequence[EventType] | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> NewWebhookEndpoint:
        """Have events sent to `url` from now on, in their order, signed as Standard Webhooks has it.

        See `WebhookEndpoints.create`.
        """
        body = CreateWebhookEndpointRequest(
            url=url,
            event_types=or_unset(None if event_types is None else list(event_types)),
            description=or_unset(description),
        )
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            NewWebhookEndpoint,
            lambda client: create_webhook_endpoint.asyncio_detailed(
                client=client, body=body, idempotency_key=key
            ),
            options,
        )

    async def get(self, endpoint_id: str, **options: Unpack[CallOptions]) -> WebhookEndpoint:
        """The endpoint, without its secret. One that answered 410 is disabled and says so.

        See `WebhookEndpoints.get`.
        """
        segment = path_id(endpoint_id, "endpoint")
        return await self._sender.call(
            WebhookEndpoint,
            lambda client: get_webhook_endpoint.asyncio_detailed(segment, client=client),
            options,
        )

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> AsyncListing[WebhookEndpoint]:
        """Endpoints, newest first; pages are fetched while you iterate.

        See `WebhookEndpoints.list`.
        """

        async def fetch(at: str | None) -> Page[WebhookEndpoint]:
            page = await self._sender.call(
                WebhookEndpointList,
                lambda client: list_webhook_endpoints.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def enable(
        self, endpoint_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> WebhookEndpoint:
        """Have webhooks sent there again, of what happens from now on. See `WebhookEndpoints.enable`."""
        segment, key = path_id(endpoint_id, "endpoint"), key_or_new(idempotency_key)
        return await self._sender.call(
            WebhookEndpoint,
            lambda client: enable_webhook_endpoint.asyncio_detailed(
                segment, client=client, idempotency_key=key
            ),
            options,
        )

    async def delete(self, endpoint_id: str, **options: Unpack[CallOptions]) -> None:
        """Have nothing sent there any more; what waits for it is dropped.

        See `WebhookEndpoints.delete`.
        """
        segment = path_id(endpoint_id, "endpoint")
        await self._sender.call(
            NoneType,
            lambda client: delete_webhook_endpoint.asyncio_detailed(segment, client=client),
            options,
        )


class AsyncRawWebhookEndpoints:
    """As `RawWebhookEndpoints`, with `await`."""

    def __init__(self, plain: AsyncWebhookEndpoints) -> None:
        self.create = async_raw(plain.create)
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.enable = async_raw(plain.enable)
        self.delete = async_raw(plain.delete)
