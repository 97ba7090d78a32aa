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
    RawResponse,
    Refund,
    WebhookError,
    webhooks,
)


def blocking(payrail: PayRail) -> Iterator[str]:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}
    created = payrail.payments.create(amount=1, currency="EUR", payment_method={"token": "tok_1"})
    assert_type(created, Payment)
    assert_type(created.amount, int)
    assert_type(created.state, PaymentState)
    assert_type(created.expires_at, datetime | None)
    assert_type(dict(created.metadata), dict[str, str])
    assert_type(created.metadata.get("order"), str | None)
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

    payrail.payments.get(
        created.id, timeout_s=5, max_retries=0, correlation_id="c", extra_headers={"traceparent": "t"}
    )
    raw = payrail.payments.with_raw_response.create(
        amount=1, currency="EUR", payment_method={"token": "tok_1"}, idempotency_key="k", timeout_s=1
    )
    assert_type(raw, RawResponse[Payment])
    assert_type(raw.parsed.amount, int)
    assert_type(payrail.payments.with_raw_response.list(state="CREATED"), RawResponse[Page[Payment]])
    assert_type(payrail.with_raw_response.metrics(), RawResponse[str])

    payrail.payments.create(amount="1", currency="EUR", payment_method={"token": "t"})  # type: ignore[arg-type]
    payrail.payments.create(amount=1, currency="EUR", payment_method={"tokn": "t"})  # type: ignore[arg-type]
    payrail.payments.create(amount=1, currency="EUR")  # type: ignore[call-arg]
    payrail.payments.create(amount=1, currency="EUR", payment_method=card)  # type: ignore[arg-type]
    payrail.payments.list(state="AUTORIZED")  # type: ignore[arg-type]
    payrail.payments.list(colour="red")  # type: ignore[call-arg]
    payrail.payments.refnd(created.id)  # type: ignore[attr-defined]
    payrail.payments.get(created.id, timeout="5")  # type: ignore[call-arg]
    payrail.payments.get(created.id, max_retries="5")  # type: ignore[arg-type]
    payrail.payments.with_raw_response.get()  # type: ignore[call-arg]
    payrail.payments.with_raw_response.list(colour="red")  # type: ignore[call-arg]


async def asynchronous(payrail: AsyncPayRail) -> AsyncIterator[str]:
    assert_type(await payrail.payments.authorize("pay_1", cvc="123"), Payment)
    assert_type(payrail.payments.list(), AsyncListing[Payment])
    async for payment in payrail.payments.list(limit=100):
        assert_type(payment, Payment)
        yield payment.id


async def asynchronous_and_whole(payrail: AsyncPayRail) -> None:
    assert_type(await payrail.payments.with_raw_response.cancel("pay_1"), RawResponse[Payment])
    assert_type(await payrail.refunds.with_raw_response.list(limit=1), RawResponse[Page[Refund]])


def receiving(body: bytes, headers: dict[str, str]) -> str:
    try:
        event = webhooks.verify(body, headers, ["whsec_old", "whsec_new"], tolerance_s=60)
    except WebhookError as error:
        return str(error)
    thing = event.about
    if isinstance(thing, Payment):
        assert_type(thing.state, PaymentState)
    return event.type


def failing(error: PayRailError) -> str:
    assert_type(error.idempotency_key, str | None)
    if isinstance(error, ApiError):
        for fault in error.errors:
            assert_type(fault, FieldError)
        assert_type(error.code, str | None)
    return error.correlation_id
