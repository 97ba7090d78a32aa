"""Customers, asynchronous. What each method promises stands in `customers`, which has the same methods."""

from collections.abc import Mapping
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.customers import create_customer, get_customer, list_customers, save_payment_method
from .gateway.models import Customer, CustomerList
from .pages import AsyncListing, Page
from .params import (
    PaymentMethodParam,
    create_customer_request,
    or_unset,
    path_id,
    save_payment_method_request,
)
from .raw_response import async_raw, async_raw_page


class AsyncCustomers:
    """As `Customers`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawCustomers":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawCustomers(self)

    async def create(
        self,
        *,
        name: str | None = None,
        email: str | None = None,
        merchant_reference: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Make a customer; nothing is required.

        See `Customers.create`.
        """
        body = create_customer_request(name, email, merchant_reference, description, metadata)
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Customer,
            lambda client: create_customer.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    async def get(self, customer_id: str, **options: Unpack[CallOptions]) -> Customer:
        """The customer with the saved cards.

        See `Customers.get`.
        """
        return await self._sender.call(
            Customer,
            lambda client: get_customer.asyncio_detailed(path_id(customer_id, "customer"), client=client),
            options,
        )

    def list(
        self,
        *,
        email: str | None = None,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[Customer]:
        """Customers, newest first; pages are fetched while you iterate.

        See `Customers.list`.
        """

        async def fetch(at: str | None) -> Page[Customer]:
            page = await self._sender.call(
                CustomerList,
                lambda client: list_customers.asyncio_detailed(
                    client=client,
                    email=or_unset(email),
                    q=or_unset(q),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def save_payment_method(
        self,
        customer_id: str,
        payment_method: PaymentMethodParam,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Save a card for the customer, or one that the vault holds already; pay with it by its token.

        See `Customers.save_payment_method`.
        """
        body = save_payment_method_request(payment_method)
        key, segment = key_or_new(idempotency_key), path_id(customer_id, "customer")
        return await self._sender.call(
            Customer,
            lambda client: save_payment_method.asyncio_detailed(
                segment, client=client, body=body, idempotency_key=key
            ),
            options,
        )


class AsyncRawCustomers:
    """As `RawCustomers`, with `await`."""

    def __init__(self, plain: AsyncCustomers) -> None:
        self.create = async_raw(plain.create)
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.save_payment_method = async_raw(plain.save_payment_method)
