"""Payments, asynchronous. What each method promises stands in `payments`, which has the same methods."""

from collections.abc import Mapping
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions, options_of
from .gateway.api.payments import (
    authorize_payment,
    cancel_payment,
    capture_payment,
    create_payment,
    get_payment,
    list_payment_ledger,
    list_payments,
)
from .gateway.models import CaptureMethod, LedgerEntry, LedgerEntryList, Payment, PaymentList
from .pages import AsyncListing, Page
from .params import (
    PaymentFilters,
    PaymentMethodParam,
    authorize_payment_request,
    capture_payment_request,
    create_payment_request,
    or_unset,
    path_id,
    payment_query,
)
from .raw_response import async_raw, async_raw_page


class AsyncPayments:
    """As `Payments`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawPayments":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawPayments(self)

    async def create(
        self,
        *,
        amount: int,
        currency: str,
        payment_method: PaymentMethodParam,
        capture_method: CaptureMethod | None = None,
        country: str | None = None,
        customer_id: str | None = None,
        merchant_reference: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Payment:
        """Make a payment in state `CREATED`. No provider is asked yet: authorize it next.

        See `Payments.create`.
        """
        body = create_payment_request(
            amount=amount,
            currency=currency,
            payment_method=payment_method,
            capture_method=capture_method,
            country=country,
            customer_id=customer_id,
            merchant_reference=merchant_reference,
            description=description,
            metadata=metadata,
        )
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Payment,
            lambda client: create_payment.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    async def get(self, payment_id: str, **options: Unpack[CallOptions]) -> Payment:
        """The payment as it stands now.

        See `Payments.get`.
        """
        return await self._sender.call(
            Payment,
            lambda client: get_payment.asyncio_detailed(path_id(payment_id), client=client),
            options,
        )

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[PaymentFilters],
    ) -> AsyncListing[Payment]:
        """Payments, newest first; pages are fetched while you iterate.

        See `Payments.list`.
        """
        options, chosen = options_of(filters)
        query = payment_query(chosen)

        async def fetch(at: str | None) -> Page[Payment]:
            page = await self._sender.call(
                PaymentList,
                lambda client: list_payments.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def authorize(
        self,
        payment_id: str,
        *,
        cvc: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Payment:
        """Have a provider hold the money. The outcome is the payment's `state`, also where it is a bad one.

        See `Payments.authorize`.
        """
        body, key = authorize_payment_request(cvc), key_or_new(idempotency_key)
        return await self._sender.call(
            Payment,
            lambda client: authorize_payment.asyncio_detailed(
                path_id(payment_id), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    async def capture(
        self,
        payment_id: str,
        *,
        amount: int | None = None,
        final: bool = False,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Payment:
        """Take money that is held, at once or in parts.

        See `Payments.capture`.
        """
        body, key = capture_payment_request(amount, final=final), key_or_new(idempotency_key)
        return await self._sender.call(
            Payment,
            lambda client: capture_payment.asyncio_detailed(
                path_id(payment_id), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    async def cancel(
        self, payment_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Payment:
        """Give up a payment of which nothing is captured; what is held is released.

        See `Payments.cancel`.
        """
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Payment,
            lambda client: cancel_payment.asyncio_detailed(
                path_id(payment_id), client=client, idempotency_key=key
            ),
            options,
        )

    def ledger(
        self,
        payment_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[LedgerEntry]:
        """The payment's ledger entries with their postings, in order; pages are fetched while you iterate.

        See `Payments.ledger`.
        """

        async def fetch(at: str | None) -> Page[LedgerEntry]:
            page = await self._sender.call(
                LedgerEntryList,
                lambda client: list_payment_ledger.asyncio_detailed(
                    path_id(payment_id), client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)


class AsyncRawPayments:
    """As `RawPayments`, with `await`."""

    def __init__(self, plain: AsyncPayments) -> None:
        self.create = async_raw(plain.create)
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.authorize = async_raw(plain.authorize)
        self.capture = async_raw(plain.capture)
        self.cancel = async_raw(plain.cancel)
        self.ledger = async_raw_page(plain.ledger)
