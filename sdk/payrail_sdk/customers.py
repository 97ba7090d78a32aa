"""Customers, blocking."""

from collections.abc import Mapping
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.customers import create_customer, get_customer, list_customers, save_payment_method
from .gateway.models import Customer, CustomerList
from .pages import Listing, Page
from .params import (
    PaymentMethodParam,
    create_customer_request,
    or_unset,
    path_id,
    save_payment_method_request,
)
from .raw_response import raw, raw_page


class Customers:
    """Those who pay, with the cards that are saved for them.

    What changes something is sent with an idempotency key, as in `Payments`.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawCustomers":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawCustomers(self)

    def create(
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

        Args:
            name: What to call them.
            email: Where they get mail; PayRail sends none.
            merchant_reference: Your own reference.
            description: Free text for people.
            metadata: As for `Payments.create`.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.
        """
        body = create_customer_request(name, email, merchant_reference, description, metadata)
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Customer,
            lambda client: create_customer.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    def get(self, customer_id: str, **options: Unpack[CallOptions]) -> Customer:
        """The customer with the saved cards.

        Raises:
            NotFound: There is no such customer, or it is another merchant's.
        """
        return self._sender.call(
            Customer,
            lambda client: get_customer.sync_detailed(path_id(customer_id, "customer"), client=client),
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
    ) -> Listing[Customer]:
        """Customers, newest first; pages are fetched while you iterate.

        Args:
            email: Only those with exactly this address, whatever its case.
            q: Only those that hold this text.
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[Customer]:
            page = self._sender.call(
                CustomerList,
                lambda client: list_customers.sync_detailed(
                    client=client,
                    email=or_unset(email),
                    q=or_unset(q),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def save_payment_method(
        self,
        customer_id: str,
        payment_method: PaymentMethodParam,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Customer:
        """Save a card for the customer, or one that the vault holds already; pay with it by its token.

        Args:
            customer_id: Whose card it is.
            payment_method: As for `Payments.create`.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            CardError: The card is not valid or has expired.
            NotFound: There is no such customer or token.
            Conflict: The customer has 50 saved cards already.
        """
        body = save_payment_method_request(payment_method)
        key, segment = key_or_new(idempotency_key), path_id(customer_id, "customer")
        return self._sender.call(
            Customer,
            lambda client: save_payment_method.sync_detailed(
                segment, client=client, body=body, idempotency_key=key
            ),
            options,
        )


class RawCustomers:
    """`Customers` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Customers) -> None:
        self.create = raw(plain.create)
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.save_payment_method = raw(plain.save_payment_method)
