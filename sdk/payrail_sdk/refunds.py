"""Refunds, blocking."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.refunds import (
    approve_refund,
    get_refund,
    list_refunds,
    reject_refund,
    request_refund,
)
from .gateway.models import (
    Refund,
    RefundList,
    RefundState,
    RequestRefundRequest,
)
from .pages import Listing, Page
from .params import one_or_more, or_unset, path_id
from .raw_response import raw, raw_page


class Refunds:
    """Give captured money back: one user requests, another one approves or rejects.

    What changes something is sent with an idempotency key, as in `Payments`.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawRefunds":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawRefunds(self)

    def request(
        self,
        *,
        payment_id: str,
        reason: str,
        amount: int | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Ask for money to be given back. It is reserved at once, and waits in `PENDING_APPROVAL` for another user.

        Args:
            payment_id: A payment of which something is captured.
            reason: Why, in words for people.
            amount: Minor units; all that can be refunded when left out.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            AmountExceedsRefundable: More than is captured and not spoken for.
            InvalidTransition: Nothing of the payment is captured.
            NotFound: There is no such payment, or it is another merchant's.
        """
        body = RequestRefundRequest(payment_id, reason, or_unset(amount))
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Refund,
            lambda client: request_refund.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    def get(
        self,
        refund_id: str,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """The refund as it stands now.

        Raises:
            NotFound: There is no such refund, or it is another merchant's.
        """
        return self._sender.call(
            Refund,
            lambda client: get_refund.sync_detailed(path_id(refund_id, "refund"), client=client),
            options,
        )

    def list(
        self,
        *,
        payment_id: str | None = None,
        state: RefundState | Sequence[RefundState] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[Refund]:
        """Refunds, newest first; pages are fetched while you iterate.

        Args:
            payment_id: Only those of this payment.
            state: Only those in this state, or in one of these.
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[Refund]:
            page = self._sender.call(
                RefundList,
                lambda client: list_refunds.sync_detailed(
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

    def approve(
        self,
        refund_id: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Have the provider give the money back. The outcome is the refund's `state`, also where it is a bad one:

        `SUCCEEDED`; `FAILED`, with the reason in `failure`; `PROCESSING` when the provider has not said so yet.

        Raises:
            MakerCheckerViolation: You requested it yourself, or are no approver.
            DisputeOpen: A dispute of the payment comes first.
            AmountExceedsRefundable: A dispute has taken what was reserved.
            InvalidTransition: It was decided already.
            OperationInProgress: It is being executed.
            ServiceUnavailable: The provider surely did not do it; the refund stays `APPROVED`: approve it again.
        """
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Refund,
            lambda client: approve_refund.sync_detailed(
                path_id(refund_id, "refund"), client=client, idempotency_key=key
            ),
            options,
        )

    def reject(
        self,
        refund_id: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Refuse the refund; what it reserved can be refunded again.

        Raises:
            MakerCheckerViolation: You requested it yourself, or are no approver.
            InvalidTransition: It was decided already.
        """
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Refund,
            lambda client: reject_refund.sync_detailed(
                path_id(refund_id, "refund"), client=client, idempotency_key=key
            ),
            options,
        )


class RawRefunds:
    """`Refunds` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Refunds) -> None:
        self.request = raw(plain.request)
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.approve = raw(plain.approve)
        self.reject = raw(plain.reject)
