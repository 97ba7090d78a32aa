"""Refunds, asynchronous. What each method promises stands in `refunds`, which has the same methods."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import AsyncSender
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
from .pages import AsyncListing, Page
from .params import one_or_more, or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncRefunds:
    """As `Refunds`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawRefunds":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawRefunds(self)

    async def request(
        self,
        *,
        payment_id: str,
        reason: str,
        amount: int | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Ask for money to be given back. It is reserved at once, and waits in `PENDING_APPROVAL` for another user.

        See `Refunds.request`.
        """
        body = RequestRefundRequest(payment_id, reason, or_unset(amount))
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Refund,
            lambda client: request_refund.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    async def get(
        self,
        refund_id: str,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """The refund as it stands now.

        See `Refunds.get`.
        """
        return await self._sender.call(
            Refund,
            lambda client: get_refund.asyncio_detailed(path_id(refund_id, "refund"), client=client),
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
    ) -> AsyncListing[Refund]:
        """Refunds, newest first; pages are fetched while you iterate.

        See `Refunds.list`.
        """

        async def fetch(at: str | None) -> Page[Refund]:
            page = await self._sender.call(
                RefundList,
                lambda client: list_refunds.asyncio_detailed(
                    client=client,
                    payment_id=or_unset(payment_id),
                    state=one_or_more(state),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def approve(
        self,
        refund_id: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Have the provider give the money back. The outcome is the refund's `state`, also where it is a bad one:

        See `Refunds.approve`.
        """
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Refund,
            lambda client: approve_refund.asyncio_detailed(
                path_id(refund_id, "refund"), client=client, idempotency_key=key
            ),
            options,
        )

    async def reject(
        self,
        refund_id: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Refund:
        """Refuse the refund; what it reserved can be refunded again.

        See `Refunds.reject`.
        """
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Refund,
            lambda client: reject_refund.asyncio_detailed(
                path_id(refund_id, "refund"), client=client, idempotency_key=key
            ),
            options,
        )


class AsyncRawRefunds:
    """As `RawRefunds`, with `await`."""

    def __init__(self, plain: AsyncRefunds) -> None:
        self.request = async_raw(plain.request)
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.approve = async_raw(plain.approve)
        self.reject = async_raw(plain.reject)
