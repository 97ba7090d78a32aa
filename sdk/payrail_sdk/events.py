"""Events, blocking."""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.events import get_event, list_event_deliveries, list_events, redeliver_event
from .gateway.models import Delivery, DeliveryList, Event, EventList, EventType, Redelivery
from .pages import Listing, Page
from .params import one_or_more, or_unset, path_id, zoned
from .raw_response import raw, raw_page


class Events:
    """What happened to payments, refunds and disputes, as webhooks tell it."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawEvents":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawEvents(self)

    def get(self, event_id: str, **options: Unpack[CallOptions]) -> Event:
        """The event; its `data` is the payment, refund or dispute as it was then.

        Raises:
            NotFound: There is no such event, or it is another merchant's.
        """
        return self._sender.call(
            Event,
            lambda client: get_event.sync_detailed(path_id(event_id, "event"), client=client),
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
    ) -> Listing[Event]:
        """Events, newest first; pages are fetched while you iterate.

        Args:
            event_type: Only those of this type, or of one of these.
            entity: Only those of this payment, refund or dispute.
            created_from: Only those of then or later. Needs a time zone.
            created_to: Only those before. Needs a time zone.
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """
        since, until = (None if at is None else zoned(at) for at in (created_from, created_to))

        def fetch(at: str | None) -> Page[Event]:
            page = self._sender.call(
                EventList,
                lambda client: list_events.sync_detailed(
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

        return Listing(fetch, cursor)

    def redeliver(
        self, event_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Redelivery:
        """Send the event again, under its webhook-id, to each endpoint that wants events of its type.

        Raises:
            NotFound: There is no such event, or it is another merchant's.
        """
        segment, key = path_id(event_id, "event"), key_or_new(idempotency_key)
        return self._sender.call(
            Redelivery,
            lambda client: redeliver_event.sync_detailed(segment, client=client, idempotency_key=key),
            options,
        )

    def deliveries(self, event_id: str, **options: Unpack[CallOptions]) -> Sequence[Delivery]:
        """What became of the event at each endpoint, with every attempt.

        Raises:
            NotFound: There is no such event, or it is another merchant's.
        """
        segment = path_id(event_id, "event")
        found = self._sender.call(
            DeliveryList,
            lambda client: list_event_deliveries.sync_detailed(segment, client=client),
            options,
        )
        return found.data


class RawEvents:
    """`Events` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Events) -> None:
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.redeliver = raw(plain.redeliver)
        self.deliveries = raw(plain.deliveries)
