"""Payments, blocking."""

from collections.abc import Mapping
from typing import Unpack

from ._senders import Sender
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
from .pages import Listing, Page
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
from .raw_response import raw, raw_page


class Payments:
    """Make, authorize, capture and cancel payments, and look at them.

    Amounts are integers in minor units of the payment's currency: 1234 is 12.34 EUR, and 1234 JPY.

    What changes something is sent with an idempotency key: yours, or a new one. Retries reuse it, so nothing is done
    twice. Pass your own, such as an order's number, to be safe across restarts of your program as well. After a
    `ConnectionFailed` or `TimedOut` the key is in `error.idempotency_key`: call again with it to learn the outcome.

    Every method raises `PayRailError`s; each docstring names those that are its own.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawPayments":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawPayments(self)

    def create(
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

        Args:
            amount: Minor units, 1 or more.
            currency: ISO 4217 code, such as "EUR".
            payment_method: `{"card": {"number": …, "exp_month": …, "exp_year": …}}` or `{"token": "tok_…"}`. A card's
                number goes to the vault; what comes back holds its token.
            capture_method: "manual" (default): you capture; "automatic": an approved authorization is captured at once
                and in full.
            country: ISO 3166-1 alpha-2 code of where the payment is made (default "US"); routing may depend on it.
            customer_id: The customer who pays, if you keep them.
            merchant_reference: Your own reference, 1 to 255 characters. Need not be unique.
            description: Free text for people, up to 1000 characters.
            metadata: Your own data: at most 50 entries, keys of at most 40 and values of at most 500 characters.
            idempotency_key: 1 to 255 visible ASCII characters; a new one when left out.
            options: See `CallOptions`.

        Raises:
            CardError: The card is not valid or has expired.
            CurrencyUnsupported: PayRail does not take the currency.
            ValidationFailed: A field is not valid; see `errors`.
            SensitiveData: A card number stands outside the card.
            NotFound: There is no such token or customer.
            IdempotencyKeyReused: The key was used with other contents.
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
        return self._sender.call(
            Payment,
            lambda client: create_payment.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    def get(self, payment_id: str, **options: Unpack[CallOptions]) -> Payment:
        """The payment as it stands now.

        Raises:
            NotFound: There is no such payment, or it is another merchant's.
        """
        return self._sender.call(
            Payment,
            lambda client: get_payment.sync_detailed(path_id(payment_id), client=client),
            options,
        )

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[PaymentFilters],
    ) -> Listing[Payment]:
        """Payments, newest first; pages are fetched while you iterate.

        Args:
            limit: Payments in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
            filters: See `PaymentFilters`.

        Raises:
            ValueError: A time in a filter has no zone.
        """
        options, chosen = options_of(filters)
        query = payment_query(chosen)

        def fetch(at: str | None) -> Page[Payment]:
            page = self._sender.call(
                PaymentList,
                lambda client: list_payments.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def authorize(
        self,
        payment_id: str,
        *,
        cvc: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Payment:
        """Have a provider hold the money. The outcome is the payment's `state`, also where it is a bad one:

        `AUTHORIZED` (`CAPTURED` where the capture is automatic); `DECLINED`, with the reason in `decline`; `FAILED`
        when no provider took it; `UNKNOWN` when a provider's answer was lost. PayRail goes on asking then: look again
        by `get`, or call again with the same key. It is never a reason to charge the customer anew.

        Args:
            payment_id: A payment in state `CREATED`.
            cvc: The card's verification code, 3 or 4 digits. It is never stored.
            idempotency_key: As for `create`.
            options: As for `create`.

        Raises:
            InvalidTransition: The payment's state does not allow it.
            ServiceUnavailable: No provider can be reached; nothing is held.
        """
        body, key = authorize_payment_request(cvc), key_or_new(idempotency_key)
        return self._sender.call(
            Payment,
            lambda client: authorize_payment.sync_detailed(
                path_id(payment_id), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    def capture(
        self,
        payment_id: str,
        *,
        amount: int | None = None,
        final: bool = False,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Payment:
        """Take money that is held, at once or in parts.

        Args:
            payment_id: A payment in state `AUTHORIZED` or `PARTIALLY_CAPTURED`.
            amount: Minor units to take now; all that is left when left out.
            final: Whether this is the last capture: what is left of the authorization is then released.
            idempotency_key: As for `create`.
            options: As for `create`.

        Raises:
            AmountExceedsAuthorized: More than is left.
            InvalidTransition: The payment's state does not allow it.
            OperationInProgress: Another capture or cancel of the payment has not ended.
            ServiceUnavailable: The provider surely did not do it.
        """
        body, key = capture_payment_request(amount, final=final), key_or_new(idempotency_key)
        return self._sender.call(
            Payment,
            lambda client: capture_payment.sync_detailed(
                path_id(payment_id), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    def cancel(
        self, payment_id: str, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Payment:
        """Give up what is not captured: what is held of it is released.

        The payment is `CANCELED`, or `CAPTURED` where a part of it was captured before.

        Raises:
            InvalidTransition: Nothing is left to release, or its time is over.
            OperationInProgress: Another operation on the payment has not ended.
            ServiceUnavailable: The provider surely did not do it.
        """
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Payment,
            lambda client: cancel_payment.sync_detailed(
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
    ) -> Listing[LedgerEntry]:
        """The payment's ledger entries with their postings, in order; pages are fetched while you iterate.

        `limit` and `cursor` are those of `list`.

        Raises:
            NotFound: There is no such payment, or it is another merchant's.
        """

        def fetch(at: str | None) -> Page[LedgerEntry]:
            page = self._sender.call(
                LedgerEntryList,
                lambda client: list_payment_ledger.sync_detailed(
                    path_id(payment_id), client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)


class RawPayments:
    """`Payments` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Payments) -> None:
        self.create = raw(plain.create)
        self.get = raw(plain.get)
        self.list = raw_page(plain.list)
        self.authorize = raw(plain.authorize)
        self.capture = raw(plain.capture)
        self.cancel = raw(plain.cancel)
        self.ledger = raw_page(plain.ledger)
