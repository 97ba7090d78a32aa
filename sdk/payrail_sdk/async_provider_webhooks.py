"""As `provider_webhooks`, asynchronous: what the providers told of things that did not begin here."""

from ._senders import AsyncSender
from .gateway.api.webhooks import list_unmatched_webhooks
from .gateway.models import UnmatchedWebhook, UnmatchedWebhooks
from .pages import AsyncListing, Page
from .params import or_unset


class AsyncProviderWebhooks:
    """As `ProviderWebhooks`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    def unmatched(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
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
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)
