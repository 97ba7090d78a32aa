"""Dead letters, asynchronously. What each method promises stands in `dead_letters`, which has the same methods."""

from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.dead_letters import (
    get_dead_letter,
    list_dead_letters,
    redrive_dead_letter,
    redrive_dead_letters,
)
from .gateway.models import DeadLetter, DeadLetterList, RedrivenDeadLetters
from .pages import AsyncListing, Page
from .params import or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncDeadLetters:
    """As `DeadLetters`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawDeadLetters":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawDeadLetters(self)

    async def get(self, dead_letter_id: str, **options: Unpack[CallOptions]) -> DeadLetter:
        """The dead letter.

        See `DeadLetters.get`.
        """
        segment = path_id(dead_letter_id, "dead letter")
        return await self._sender.call(
            DeadLetter,
            lambda client: get_dead_letter.asyncio_detailed(segment, client=client),
            options,
        )

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> AsyncListing[DeadLetter]:
        """Dead letters, newest first; pages are fetched while you iterate.

        See `DeadLetters.list`.
        """

        async def fetch(at: str | None) -> Page[DeadLetter]:
            page = await self._sender.call(
                DeadLetterList,
                lambda client: list_dead_letters.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def redrive(
        self, dead_letter_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> DeadLetter:
        """Send it again; what is taken leaves the queue. Takes the role admin.

        See `DeadLetters.redrive`.
        """
        segment, key = path_id(dead_letter_id, "dead letter"), key_or_new(idempotency_key)
        return await self._sender.call(
            DeadLetter,
            lambda client: redrive_dead_letter.asyncio_detailed(segment, client=client, idempotency_key=key),
            options,
        )

    async def redrive_all(
        self, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> RedrivenDeadLetters:
        """Send all of them again, except those of disabled endpoints. Takes the role admin.

        See `DeadLetters.redrive_all`.
        """
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            RedrivenDeadLetters,
            lambda client: redrive_dead_letters.asyncio_detailed(client=client, idempotency_key=key),
            options,
        )


class AsyncRawDeadLetters:
    """As `RawDeadLetters`, with `await`."""

    def __init__(self, plain: AsyncDeadLetters) -> None:
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.redrive = async_raw(plain.redrive)
        self.redrive_all = async_raw(plain.redrive_all)
