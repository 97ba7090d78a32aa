"""Dead letters, blocking."""

from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.dead_letters import (
    get_dead_letter,
    list_dead_letters,
    redrive_dead_letter,
    redrive_dead_letters,
)
from .gateway.models import DeadLetter, DeadLetterList, RedrivenDeadLetters
from .pages import Listing, Page
from .params import or_unset, path_id
from .raw_response import raw, raw_page


class DeadLetters:
    """Events that an endpoint did not take, however often they were sent."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawDeadLetters":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawDeadLetters(self)

    def get(self, dead_letter_id: str, **options: Unpack[CallOptions]) -> DeadLetter:
        """The dead letter.

        Raises:
            NotFound: There is no such dead letter, or it is another merchant's.
        """
        segment = path_id(dead_letter_id, "dead letter")
        return self._sender.call(
            DeadLetter,
            lambda client: get_dead_letter.sync_detailed(segment, client=client),
            options,
        )

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> Listing[DeadLetter]:
        """Dead letters, newest first; pages are fetched while you iterate.

        Args:
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[DeadLetter]:
            page = self._sender.call(
                DeadLetterList,
                lambda client: list_dead_letters.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def redrive(
        self, dead_letter_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> DeadLetter:
        """Send it again; what is taken leaves the queue. Takes the role admin.

        Raises:
            NotFound: There is no such dead letter, or it is another merchant's.
            Conflict: Its endpoint is disabled (`endpoint_disabled`).
        """
        segment, key = path_id(dead_letter_id, "dead letter"), key_or_new(idempotency_key)
        return self._sender.call(
            DeadLetter,
            lambda client: redrive_dead_letter.sync_detailed(segment, client=client, idempotency_key=key),
            options,
        )

    def redrive_all(
        self, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> RedrivenDeadLetters:
        """Send all of them again, except those of disabled endpoints. Takes the role admin."""
        key = key_or_new(idempotency_key)
        return self._sender.call(
            RedrivenDeadLetters,
            lambda client: redrive_dead_letters.sync_detailed(client=client, idempotency_key=key),
            options,
        )


class RawDeadLetters:
    """`DeadLetters` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: DeadLetters) -> None:
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.redrive = raw(plain.redrive)
        self.redrive_all = raw(plain.redrive_all)
