"""A program as a user would write it, to be checked and not run: each comment that ignores an error must be needed."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import assert_type

from payrail_sdk import (
    ApiError,
    AsyncListing,
    AsyncPayRail,
    FieldError,
    LedgerEntry,
    Listing,
    Page,
    Payment,
    PaymentState,
    PayRail,
    PayRailError,
)


def blocking(payrail: PayRail) -> Iterator[str]:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}
    created = payrail.payments.create(amount=1, currency="EUR", payment_method={"token": "tok_1"})
    assert_type(created, Payment)
    assert_type(created.amount, int)
    assert_type(created.state, PaymentState)
    assert_type(created.expires_at, datetime | None)
    payrail.payments.create(
        amount=1,
        currency="EUR",
        payment_method={"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}},
    )
    assert_type(payrail.payments.list(), Listing[Payment])
    assert_type(payrail.payments.list().first_page(), Page[Payment])
    for payment in payrail.payments.list(state=["CREATED"], created_from=datetime(2026, 3, 1, tzinfo=UTC)):
        assert_type(payment, Payment)
        yield payment.id
    for entry in payrail.payments.ledger(created.id):
        assert_type(entry, LedgerEntry)

    payrail.payments.create(amount="1", currency="EUR", payment_method={"token": "t"})  # type: ignore[arg-type]
    payrail.payments.create(amount=1, currency="EUR", payment_method={"tokn": "t"})  # type: ignore[arg-type]
    payrail.payments.create(amount=1, currency="EUR")  # type: ignore[call-arg]
    payrail.payments.create(amount=1, currency="EUR", payment_method=card)  # type: ignore[arg-type]
    payrail.payments.list(state="AUTORIZED")  # type: ignore[arg-type]
    payrail.payments.list(colour="red")  # type: ignore[call-arg]
    payrail.payments.refnd(created.id)  # type: ignore[attr-defined]


async def asynchronous(payrail: AsyncPayRail) -> AsyncIterator[str]:
    assert_type(await payrail.payments.authorize("pay_1", cvc="123"), Payment)
    assert_type(payrail.payments.list(), AsyncListing[Payment])
    async for payment in payrail.payments.list(limit=100):
        assert_type(payment, Payment)
        yield payment.id


def failing(error: PayRailError) -> str:
    assert_type(error.idempotency_key, str | None)
    if isinstance(error, ApiError):
        for fault in error.errors:
            assert_type(fault, FieldError)
        assert_type(error.code, str | None)
    return error.correlation_id
