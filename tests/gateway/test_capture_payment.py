"""Capturing: in parts, up to what was authorized, each part once, whatever the wire does."""

import asyncio

import pytest
from shop import Shop

from payrail.gateway.domain.errors import (
    AmountExceedsAuthorized,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    OperationInProgress,
    OperationNotProcessed,
    PaymentNotFound,
)
from payrail.ledger import accounts
from payrail.ledger.transitions import InvalidTransition


async def test_without_an_amount_all_that_is_authorized_is_captured(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    rendered = await shop.capture(payment_id)
    assert rendered.status == 200
    assert (rendered.body["state"], rendered.body["amount_captured"]) == ("CAPTURED", 1000)
    assert rendered.body["amount_refundable"] == 1000


async def test_a_capture_posts_the_money_and_both_fees_in_one_entry(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    await shop.capture(payment_id)
    balances = shop.journal.state.balances
    assert balances.of(accounts.provider_receivable("providerA"), "USD") == 1000 - 59
    assert balances.of(accounts.merchant_pending("m_demo"), "USD") == -(1000 - 59)
    assert balances.of(accounts.FEE_REVENUE, "USD") == -59
    assert balances.of(accounts.PROCESSING_COST, "USD") == 59
    assert len(shop.journal.read(payment_id)[-1].postings) == 6


async def test_parts_are_captured_one_after_the_other_until_nothing_is_left(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    states = [(await shop.capture(payment_id, amount)).body["state"] for amount in (300, 300, 400)]
    assert states == ["PARTIALLY_CAPTURED", "PARTIALLY_CAPTURED", "CAPTURED"]
    assert shop.providers.captured(payment_id) == 1000
    with pytest.raises(InvalidTransition) as refused:
        await shop.capture(payment_id, 1)
    assert (refused.value.current, refused.value.target) == ("CAPTURED", "CAPTURED")


async def test_a_final_capture_releases_the_rest(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    rendered = await shop.capture(payment_id, 300, final=True)
    assert (rendered.body["state"], rendered.body["amount_captured"]) == ("CAPTURED", 300)
    with pytest.raises(InvalidTransition):
        await shop.capture(payment_id, 1)


async def test_more_than_is_left_is_refused_and_claims_no_key(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    await shop.capture(payment_id, 600)
    with pytest.raises(AmountExceedsAuthorized, match="401 was asked for, 400 is left"):
        await shop.capture(payment_id, 401, key="k")
    assert (await shop.capture(payment_id, 400, key="k")).body["state"] == "CAPTURED"


async def test_only_an_authorized_payment_of_ones_own_is_captured(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    with pytest.raises(InvalidTransition) as refused:
        await shop.capture(payment_id)
    assert (refused.value.current, refused.value.target) == ("CREATED", "CAPTURED")
    with pytest.raises(PaymentNotFound):
        await shop.capture("pay_01JDAAAAAAAAAAAAAAAAAAAAAA")


async def test_the_same_request_again_is_the_same_answer_and_captures_once(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    first = await shop.capture(payment_id, 300, key="k")
    await shop.capture(payment_id, 300)
    again = await shop.capture(payment_id, 300, key="k")
    assert (again.status, again.body, again.replayed) == (200, first.body, True)
    with pytest.raises(IdempotencyKeyReused):
        await shop.capture(payment_id, 301, key="k")
    assert shop.providers.captured(payment_id) == 600


async def test_of_many_captures_at_once_one_is_done_and_the_others_are_told(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    answers = await asyncio.gather(*(shop.capture(payment_id, 300) for _ in range(8)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, OperationInProgress)]
    assert len(refused) == 7
    assert shop.providers.captured(payment_id) == 300


# ---- unknown --------------------------------------------------------------------------------------------------------


async def test_a_capture_of_another_amount_stays_unknown_and_is_never_sent_again(shop: Shop) -> None:
    """Money moved, and no call takes it back: a person has to look. Nothing of the payment is free until then."""
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "contradicts")
    assert (await shop.capture(payment_id, 300)).status == 202
    for _ in range(3):
        await shop.resolve()
    assert shop.outcomes(payment_id)[-1] == ("capture", "providerA", "unknown")
    assert shop.payment(payment_id).attempts[-1].code == "contradictory_answer"
    assert shop.entry_types(payment_id)[-2:] == ["capture_started", "capture_unknown"]
    assert len(shop.providers.called("capture")) == 1
    assert len(shop.providers.called("inquire")) == 4
    with pytest.raises(OperationInProgress):
        await shop.capture(payment_id, 300)
    shop.require_sound_books()


async def test_a_capture_whose_answer_is_lost_is_found_by_inquiry(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "lost_after")
    rendered = await shop.capture(payment_id, 300)
    assert (rendered.status, rendered.body["amount_captured"]) == (200, 300)
    assert len(shop.providers.called("capture")) == 1


@pytest.mark.parametrize("wire", ["lost_before", "late"])
async def test_a_capture_that_is_not_found_is_sent_again_under_the_same_reference(
    shop: Shop, wire: str
) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", wire)  # type: ignore[arg-type]
    assert (await shop.capture(payment_id, 300)).body["amount_captured"] == 300
    shop.providers.deliver()
    assert len({call.reference for call in shop.providers.called("capture")}) == 1
    assert len(shop.providers.called("capture")) == 2
    assert shop.providers.captured(payment_id) == 300


async def test_while_nobody_knows_the_amount_stays_taken_and_a_second_capture_is_refused(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "lost_before")
    shop.providers.script("inquire", "lost_before")
    rendered = await shop.capture(payment_id, 300, key="k")
    assert (rendered.status, rendered.body["state"]) == (202, "AUTHORIZED")
    with pytest.raises(OperationInProgress, match="capture"):
        await shop.capture(payment_id, 100)
    with pytest.raises(OperationInProgress):
        await shop.cancel(payment_id)
    await shop.resolve()
    again = await shop.capture(payment_id, 300, key="k")
    assert (again.status, again.body["amount_captured"], again.replayed) == (200, 300, True)


async def test_a_retry_with_the_same_key_goes_on_by_itself(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "lost_after")
    shop.providers.script("inquire", "lost_before")
    assert (await shop.capture(payment_id, 300, key="k")).status == 202
    rendered = await shop.capture(payment_id, 300, key="k")
    assert (rendered.status, rendered.body["amount_captured"], rendered.replayed) == (200, 300, False)


async def test_what_may_have_arrived_is_never_called_not_processed(shop: Shop) -> None:
    """The second sending surely did not arrive; the first still may."""
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "late", "not_processed")
    assert (await shop.capture(payment_id, 300, key="k")).status == 202
    with pytest.raises(OperationInProgress):
        await shop.capture(payment_id, 300)
    shop.providers.deliver()
    await shop.resolve()
    assert shop.payment(payment_id).amount_captured == 300
    assert (await shop.capture(payment_id, 300, key="k")).status == 200


async def test_after_a_crash_the_resolver_finishes_the_capture(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "hang")
    request = asyncio.create_task(shop.capture(payment_id, 300, key="k"))
    await shop.providers.hanging.wait()
    with pytest.raises(IdempotencyInProgress):
        await shop.capture(payment_id, 300, key="k")
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await shop.successor().resolve()
    assert shop.payment(payment_id).amount_captured == 300
    assert shop.entry_types(payment_id)[-4:] == [
        "capture_started",
        "taken_over",
        "capture_unknown",
        "captured",
    ]
    assert (await shop.capture(payment_id, 300, key="k")).replayed


# ---- refused by the provider ----------------------------------------------------------------------------------------


async def test_a_capture_that_was_not_processed_gives_its_key_back(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("capture", "not_processed")
    with pytest.raises(OperationNotProcessed):
        await shop.capture(payment_id, 300, key="k")
    assert shop.payment(payment_id).state == "AUTHORIZED"
    assert shop.payment(payment_id).pending is None
    rendered = await shop.capture(payment_id, 300, key="k")
    assert (rendered.status, rendered.body["amount_captured"], rendered.replayed) == (200, 300, False)


async def test_a_declined_capture_is_a_problem_that_is_replayed(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.capture_fate = "processing_error"
    rendered = await shop.capture(payment_id, 300, key="k")
    assert (rendered.status, rendered.body["code"]) == (422, "capture_declined")
    assert shop.payment(payment_id).state == "AUTHORIZED"
    shop.providers.capture_fate = "approved"
    again = await shop.capture(payment_id, 300, key="k")
    assert (again.status, again.body, again.replayed) == (422, rendered.body, True)
    assert (await shop.capture(payment_id, 300)).status == 200
