"""What the providers told of things that did not begin here, blocking."""

from typing import Unpack

from ._senders import Sender
from .call_options import CallOptions
from .gateway.api.webhooks import list_unmatched_webhooks
from .gateway.models import UnmatchedWebhook, UnmatchedWebhooks
from .pages import Listing, Page
from .params import or_unset
from .raw_response import raw_page


class ProviderWebhooks:
    """Webhooks of the providers. Receiving them is the gateway's own business."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawProviderWebhooks":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawProviderWebhooks(self)

    def unmatched(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[UnmatchedWebhook]:
        """Webhooks, rightly signed, about references that the ledger does not have, newest first.

        Needs the role admin.
        """

        def fetch(at: str | None) -> Page[UnmatchedWebhook]:
            page = self._sender.call(
                UnmatchedWebhooks,
                lambda client: list_unmatched_webhooks.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)


class RawProviderWebhooks:
    """`ProviderWebhooks` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: ProviderWebhooks) -> None:
        self.unmatched = raw_page(plain.unmatched)
