"""Webhook endpoints, blocking."""

from collections.abc import Sequence
from types import NoneType
from typing import Unpack

from ._senders import Sender
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
from .pages import Listing, Page
from .params import or_unset, path_id
from .raw_response import raw, raw_page


class WebhookEndpoints:
    """Where events are sent to. All of it takes the role admin."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawWebhookEndpoints":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawWebhookEndpoints(self)

    def create(
        self,
        *,
        url: str,
        event_types: Sequence[EventType] | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> NewWebhookEndpoint:
        """Have events sent to `url` from now on, in their order, signed as Standard Webhooks has it.

        Keep the `secret` of the answer: it verifies what comes, and is shown only here.

        Args:
            url: An http or https address; in production a public one.
            event_types: Only events of these types; all if left out.
            description: A note of yours.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            InvalidRequest: The address is not one, or not allowed (`url_not_allowed`).
        """
        body = CreateWebhookEndpointRequest(
            url=url,
            event_types=or_unset(None if event_types is None else list(event_types)),
            description=or_unset(description),
        )
        key = key_or_new(idempotency_key)
        return self._sender.call(
            NewWebhookEndpoint,
            lambda client: create_webhook_endpoint.sync_detailed(
                client=client, body=body, idempotency_key=key
            ),
            options,
        )

    def get(self, endpoint_id: str, **options: Unpack[CallOptions]) -> WebhookEndpoint:
        """The endpoint, without its secret. One that answered 410 is disabled and says so.

        Raises:
            NotFound: There is no such endpoint, or it is another merchant's.
        """
        segment = path_id(endpoint_id, "endpoint")
        return self._sender.call(
            WebhookEndpoint,
            lambda client: get_webhook_endpoint.sync_detailed(segment, client=client),
            options,
        )

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> Listing[WebhookEndpoint]:
        """Endpoints, newest first; pages are fetched while you iterate.

        Args:
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[WebhookEndpoint]:
            page = self._sender.call(
                WebhookEndpointList,
                lambda client: list_webhook_endpoints.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def enable(
        self, endpoint_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> WebhookEndpoint:
        """Have webhooks sent there again, of what happens from now on, if it was disabled because it answered 410.

        What it missed is sent by `Events.redeliver`; what it had refused, by `DeadLetters.redrive`.

        Args:
            endpoint_id: The endpoint's id.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            NotFound: There is no such endpoint, or it is another merchant's.
        """
        segment, key = path_id(endpoint_id, "endpoint"), key_or_new(idempotency_key)
        return self._sender.call(
            WebhookEndpoint,
            lambda client: enable_webhook_endpoint.sync_detailed(segment, client=client, idempotency_key=key),
            options,
        )

    def delete(self, endpoint_id: str, **options: Unpack[CallOptions]) -> None:
        """Have nothing sent there any more; what waits for it is dropped.

        Raises:
            NotFound: There is no such endpoint, or it is another merchant's.
        """
        segment = path_id(endpoint_id, "endpoint")
        self._sender.call(
            NoneType,
            lambda client: delete_webhook_endpoint.sync_detailed(segment, client=client),
            options,
        )


class RawWebhookEndpoints:
    """`WebhookEndpoints` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: WebhookEndpoints) -> None:
        self.create = raw(plain.create)
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.enable = raw(plain.enable)
        self.delete = raw(plain.delete)
