"""Disputes, blocking."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.disputes import (
    get_dispute,
    list_disputes,
    open_dispute,
    resolve_dispute,
    submit_evidence,
)
from .gateway.models import (
    Dispute,
    DisputeList,
    DisputeOutcome,
    DisputeState,
    OpenDisputeRequest,
    ResolveDisputeRequest,
    SubmitEvidenceRequest,
)
from .pages import Listing, Page
from .params import one_or_more, or_unset, path_id
from .raw_response import raw, raw_page


class Disputes:
    """Captured money that the holder of a card wants back.

    What changes something is sent with an idempotency key, as in `Payments`.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawDisputes":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawDisputes(self)

    def open(
        self,
        *,
        payment_id: str,
        reason: str,
        amount: int | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """Open a dispute at the provider. The money and a fee leave at once; `OPENING` until the provider confirmed.

        Args:
            payment_id: A payment of which something is captured.
            reason: Why, in one word, such as "product_not_received".
            amount: Minor units; all that can be refunded when left out.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            AmountExceedsRefundable: More than is captured and not spoken for.
            InvalidTransition: Nothing of the payment is captured.
            ServiceUnavailable: The provider surely did not do it.
        """
        body = OpenDisputeRequest(payment_id, reason, or_unset(amount))
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Dispute,
            lambda client: open_dispute.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    def get(
        self,
        dispute_id: str,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """The dispute as it stands now.

        Raises:
            NotFound: There is no such dispute, or it is another merchant's.
        """
        return self._sender.call(
            Dispute,
            lambda client: get_dispute.sync_detailed(path_id(dispute_id, "dispute"), client=client),
            options,
        )

    def list(
        self,
        *,
        payment_id: str | None = None,
        state: DisputeState | Sequence[DisputeState] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[Dispute]:
        """Disputes, newest first; pages are fetched while you iterate.

        Args:
            payment_id: Only those of this payment.
            state: Only those in this state, or in one of these.
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[Dispute]:
            page = self._sender.call(
                DisputeList,
                lambda client: list_disputes.sync_detailed(
                    client=client,
                    payment_id=or_unset(payment_id),
                    state=one_or_more(state),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def submit_evidence(
        self,
        dispute_id: str,
        *,
        kind: str,
        text: str,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """Answer the dispute, once and before `respond_by`; it is then `UNDER_REVIEW`.

        Raises:
            InvalidTransition: It is answered already, or has ended.
            Conflict: The deadline has passed (`deadline_passed`).
            OperationInProgress: Another step of it has not ended.
            ServiceUnavailable: The provider surely did not do it.
        """
        body = SubmitEvidenceRequest(kind, text)
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Dispute,
            lambda client: submit_evidence.sync_detailed(
                path_id(dispute_id, "dispute"), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    def resolve(
        self,
        dispute_id: str,
        outcome: DisputeOutcome,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """End the dispute: "WON", which takes evidence and brings the money back, or "LOST".

        Raises:
            InvalidTransition: Its state does not allow it.
            OperationInProgress: Another step of it has not ended.
            ServiceUnavailable: The provider surely did not do it.
        """
        body = ResolveDisputeRequest(outcome)
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Dispute,
            lambda client: resolve_dispute.sync_detailed(
                path_id(dispute_id, "dispute"), client=client, body=body, idempotency_key=key
            ),
            options,
        )


class RawDisputes:
    """`Disputes` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Disputes) -> None:
        self.open = raw(plain.open)
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.submit_evidence = raw(plain.submit_evidence)
        self.resolve = raw(plain.resolve)
