"""What the providers told of things that did not begin here, blocking."""

from ._senders import Sender
from .gateway.api.webhooks import list_unmatched_webhooks
from .gateway.models import UnmatchedWebhook, UnmatchedWebhooks
from .pages import Listing, Page
from .params import or_unset


class ProviderWebhooks:
    """Webhooks of the providers. Receiving them is the gateway's own business."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def unmatched(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
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
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)
