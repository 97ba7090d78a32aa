"""Events, asynchronous. What each method promises stands in `events`, which has the same methods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.events import get_event, list_event_deliveries, list_events, redeliver_event
from .gateway.models import Delivery, DeliveryList, Event, EventList, EventType, Redelivery
from .pages import AsyncListing, Page
from .params import one_or_more, or_unset, path_id, zoned
from .raw_response import async_raw, async_raw_page


class AsyncEvents:
    """As `Events`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawEvents":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawEvents(self)

    async def get(self, event_id: str, **options: Unpack[CallOptions]) -> Event:
        """The event; its `data` is the payment, refund or dispute as it was then.

        See `Events.get`.
        """
        return await self._sender.call(
            Event,
            lambda client: get_event.asyncio_detailed(path_id(event_id, "event"), client=client),
            options,
        )

    def list(
        self,
        *,
        event_type: EventType | Sequence[EventType] | None = None,
        entity: str | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[Event]:
        """Events, newest first; pages are fetched while you iterate.

        See `Events.list`.
        """
        since, until = (None if at is None else zoned(at) for at in (created_from, created_to))

        async def fetch(at: str | None) -> Page[Event]:
            page = await self._sender.call(
                EventList,
                lambda client: list_events.asyncio_detailed(
                    client=client,
                    type_=one_or_more(event_type),
                    entity=or_unset(entity),
                    created_from=or_unset(since),
                    created_to=or_unset(until),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def redeliver(
        self, event_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Redelivery:
        """Send the event again, under its webhook-id, to each endpoint that wants events of its type.

        See `Events.redeliver`.
        """
        segment, key = path_id(event_id, "event"), key_or_new(idempotency_key)
        return await self._sender.call(
            Redelivery,
            lambda client: redeliver_event.asyncio_detailed(segment, client=client, idempotency_key=key),
            options,
        )

    async def deliveries(self, event_id: str, **options: Unpack[CallOptions]) -> Sequence[Delivery]:
        """What became of the event at each endpoint, with every attempt.

        See `Events.deliveries`.
        """
        segment = path_id(event_id, "event")
        found = await self._sender.call(
            DeliveryList,
            lambda client: list_event_deliveries.asyncio_detailed(segment, client=client),
            options,
        )
        return found.data


class AsyncRawEvents:
    """As `RawEvents`, with `await`."""

    def __init__(self, plain: AsyncEvents) -> None:
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.redeliver = async_raw(plain.redeliver)
        self.deliveries = async_raw(plain.deliveries)
