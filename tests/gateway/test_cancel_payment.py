"""Canceling: at once what was never authorized, by a void what is held, and the rest of what is partly captured."""

import asyncio

import pytest
from shop import Shop

from payrail.gateway.domain.errors import OperationInProgress, OperationNotProcessed
from payrail.ledger.transitions import InvalidTransition


async def test_what_was_never_authorized_is_canceled_without_a_provider(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    rendered = await shop.cancel(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (200, "CANCELED")
    assert shop.providers.calls == []
    assert (await shop.cancel(payment_id, key="k")).body == rendered.body


async def test_a_hold_is_voided_at_its_provider(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    rendered = await shop.cancel(payment_id)
    assert (rendered.status, rendered.body["state"]) == (200, "CANCELED")
    assert shop.providers.live_holds(payment_id) == []
    assert shop.outcomes(payment_id)[-1] == ("void", "providerA", "approved")


async def test_a_canceled_rest_leaves_what_was_captured(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    await shop.capture(payment_id, 300)
    rendered = await shop.cancel(payment_id)
    assert (rendered.body["state"], rendered.body["amount_captured"]) == ("CAPTURED", 300)
    with pytest.raises(InvalidTransition):
        await shop.capture(payment_id, 1)


@pytest.mark.parametrize("state", ["CAPTURED", "CANCELED", "DECLINED", "FAILED", "UNKNOWN", "REVERSING"])
async def test_nothing_else_can_be_canceled_and_both_states_are_named(shop: Shop, state: str) -> None:
    payment_id = await _payment_in(shop, state)
    entries = len(shop.memory.entries)
    with pytest.raises(InvalidTransition) as refused:
        await shop.cancel(payment_id)
    assert (refused.value.current, refused.value.target) == (state, "CANCELED")
    assert len(shop.memory.entries) == entries


async def _payment_in(shop: Shop, state: str) -> str:
    if state in ("CAPTURED", "CANCELED"):
        payment_id = await shop.authorized_payment()
        await (shop.capture(payment_id) if state == "CAPTURED" else shop.cancel(payment_id))
    else:
        payment_id = await shop.new_payment()
        match state:
            case "DECLINED":
                shop.providers.fates["providerA"] = "lost_card"
            case "FAILED":
                shop.providers.script("authorize", "not_processed", "not_processed")
            case "UNKNOWN":
                shop.providers.script("authorize", "lost_before")
                shop.providers.script("inquire", "lost_before")
            case "REVERSING":
                shop.providers.script("authorize", "lost_before")
                shop.providers.script("reverse", "lost_before")
        await shop.authorize(payment_id)
    assert shop.payment(payment_id).state == state
    return payment_id


@pytest.mark.parametrize("wire", ["lost_before", "lost_after", "late"])
async def test_a_void_whose_answer_is_lost_is_found_or_sent_again(shop: Shop, wire: str) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("reverse", wire)  # type: ignore[arg-type]
    rendered = await shop.cancel(payment_id)
    assert (rendered.status, rendered.body["state"]) == (200, "CANCELED")
    shop.providers.deliver()
    assert len({call.reference for call in shop.providers.called("reverse")}) == 1
    assert shop.providers.live_holds(payment_id) == []


async def test_while_a_void_is_unknown_nothing_is_captured(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("reverse", "lost_before")
    shop.providers.script("inquire", "lost_before")
    rendered = await shop.cancel(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (202, "AUTHORIZED")
    with pytest.raises(OperationInProgress, match="void"):
        await shop.capture(payment_id)
    await shop.resolve()
    assert (await shop.cancel(payment_id, key="k")).body["state"] == "CANCELED"


async def test_a_void_that_was_not_processed_gives_its_key_back(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.script("reverse", "not_processed")
    with pytest.raises(OperationNotProcessed):
        await shop.cancel(payment_id, key="k")
    assert (await shop.cancel(payment_id, key="k")).body["state"] == "CANCELED"


async def test_a_declined_void_is_a_problem_and_the_hold_stands(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    shop.providers.reverse_fate = "processing_error"
    rendered = await shop.cancel(payment_id)
    assert (rendered.status, rendered.body["code"]) == (422, "void_declined")
    assert shop.payment(payment_id).state == "AUTHORIZED"
    assert (await shop.capture(payment_id)).body["state"] == "CAPTURED"


async def test_of_a_capture_and_a_cancel_at_once_one_wins(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    answers = await asyncio.gather(shop.capture(payment_id), shop.cancel(payment_id), return_exceptions=True)
    assert sum(isinstance(answer, OperationInProgress) for answer in answers) == 1
    assert shop.payment(payment_id).state in ("CAPTURED", "CANCELED")
