"""Customers, blocking."""

from collections.abc import Mapping

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
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


class Customers:
    """Those who pay, with the cards that are saved for them.

    What changes something is sent with an idempotency key, as in `Payments`.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create(
        self,
        *,
        name: str | None = None,
        email: str | None = None,
        merchant_reference: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
    ) -> Customer:
        """Make a customer; nothing is required.

        Args:
            name: What to call them.
            email: Where they get mail; PayRail sends none.
            merchant_reference: Your own reference.
            description: Free text for people.
            metadata: As for `Payments.create`.
            idempotency_key: As for `Payments.create`.
            correlation_id: As for `Payments.create`.
        """
        body = create_customer_request(name, email, merchant_reference, description, metadata)
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Customer,
            lambda client: create_customer.sync_detailed(client=client, body=body, idempotency_key=key),
            correlation_id,
        )

    def get(self, customer_id: str, *, correlation_id: str | None = None) -> Customer:
        """The customer with the saved cards.

        Raises:
            NotFound: There is no such customer, or it is another merchant's.
        """
        return self._sender.call(
            Customer,
            lambda client: get_customer.sync_detailed(path_id(customer_id, "customer"), client=client),
            correlation_id,
        )

    def list(
        self,
        *,
        email: str | None = None,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
    ) -> Listing[Customer]:
        """Customers, newest first; pages are fetched while you iterate.

        Args:
            email: Only those with exactly this address, whatever its case.
            q: Only those that hold this text.
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            correlation_id: One for all pages; each gets its own when left out.
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
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def save_payment_method(
        self,
        customer_id: str,
        payment_method: PaymentMethodParam,
        *,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
    ) -> Customer:
        """Save a card for the customer, or one that the vault holds already; pay with it by its token.

        Args:
            customer_id: Whose card it is.
            payment_method: As for `Payments.create`.
            idempotency_key: As for `Payments.create`.
            correlation_id: As for `Payments.create`.

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
            correlation_id,
        )
