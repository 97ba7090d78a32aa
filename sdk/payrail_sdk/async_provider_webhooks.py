"""As `provider_webhooks`, asynchronous: what the providers told of things that did not begin here."""

from typing import Unpack

from ._senders import AsyncSender
from .call_options import CallOptions
from .gateway.api.webhooks import list_unmatched_webhooks
from .gateway.models import UnmatchedWebhook, UnmatchedWebhooks
from .pages import AsyncListing, Page
from .params import or_unset
from .raw_response import async_raw_page


class AsyncProviderWebhooks:
    """As `ProviderWebhooks`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawProviderWebhooks":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawProviderWebhooks(self)

    def unmatched(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[UnmatchedWebhook]:
        """Webhooks, rightly signed, about references that the ledger does not have, newest first.

        See `ProviderWebhooks.unmatched`.
        """

        async def fetch(at: str | None) -> Page[UnmatchedWebhook]:
            page = await self._sender.call(
                UnmatchedWebhooks,
                lambda client: list_unmatched_webhooks.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)


class AsyncRawProviderWebhooks:
    """As `RawProviderWebhooks`, with `await`."""

    def __init__(self, plain: AsyncProviderWebhooks) -> None:
        self.unmatched = async_raw_page(plain.unmatched)
