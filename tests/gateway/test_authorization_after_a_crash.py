"""What one process left open another finishes, but never what is still somebody's live call."""

import asyncio
import itertools
from datetime import timedelta

import pytest
from shop import Shop

from payrail.gateway.domain import payments
from payrail.gateway.domain.errors import IdempotencyInProgress
from payrail.gateway.domain.outcomes import NotProcessed
from payrail.ledger.transitions import InvalidTransition

_SECOND = timedelta(seconds=1)


async def _killed_while_calling(shop: Shop, payment_id: str, key: str) -> None:
    """A request whose process died in the middle of the call to the provider."""
    shop.providers.script("authorize", "hang")
    request = asyncio.create_task(shop.authorize(payment_id, key=key))
    await shop.providers.hanging.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)


async def test_after_a_crash_the_resolver_takes_over_in_writing_and_ends_in_failed(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    await _killed_while_calling(shop, payment_id, "k")
    assert shop.payment(payment_id).state == "AUTHORIZING"
    successor = shop.successor()
    await successor.resolve()
    assert shop.entry_types(payment_id) == [
        "created", "authorization_started", "taken_over", "authorization_unknown", "reversal_started", "reversed",
    ]  # fmt: skip
    taken_over = shop.journal.read(payment_id)[2].data
    assert (taken_over.former_owner, taken_over.owner) == ("gateway-1", "gateway-2")
    assert shop.payment(payment_id).state == "FAILED"


async def test_after_a_crash_a_retry_with_the_same_key_goes_on(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    await _killed_while_calling(shop, payment_id, "k")
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"], rendered.body["provider"]) == (
        200,
        "AUTHORIZED",
        "providerB",
    )


async def test_while_the_first_request_works_another_with_its_key_is_told_so(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    shop.providers.script("authorize", "hang")
    request = asyncio.create_task(shop.authorize(payment_id, key="k"))
    await shop.providers.hanging.wait()
    with pytest.raises(IdempotencyInProgress):
        await shop.authorize(payment_id, key="k")
    with pytest.raises(InvalidTransition, match="AUTHORIZING"):
        await shop.authorize(payment_id, key="another")
    await shop.resolve()
    assert shop.entry_types(payment_id) == ["created", "authorization_started"], (
        "a live call is never touched"
    )
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)


async def test_of_many_requests_at_once_one_asks_the_provider(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    answers = await asyncio.gather(
        *(shop.authorize(payment_id, key="k") for _ in range(10)), return_exceptions=True
    )
    assert len(shop.providers.called("authorize")) == 1
    for answer in answers:
        assert isinstance(answer, IdempotencyInProgress) or answer.body["state"] == "AUTHORIZED"  # type: ignore[union-attr]


async def test_an_outcome_that_two_bring_is_written_once(shop: Shop) -> None:
    """A resolver and a retry meet: whoever comes second finds the attempt closed."""
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id, key="k")
    await asyncio.gather(shop.resolve(), shop.authorize(payment_id, key="k"))
    assert shop.entry_types(payment_id).count("authorized") == 1


@pytest.mark.parametrize("who", ["resolver", "retry"])
async def test_an_attempt_that_another_process_opened_meanwhile_is_left_to_it(shop: Shop, who: str) -> None:
    """Between reading which attempt is open and getting its lease, its owner went on to the next provider and died.

    The lease that was got is that of the closed attempt; the open one may be somebody's live call.
    """
    payment_id = await shop.new_payment()
    await _killed_while_calling(shop, payment_id, "k")
    looks = itertools.count(1)

    async def catch_up_with_another_process() -> None:
        if next(looks) == 2:
            attempt = shop.payment(payment_id).pending.attempt  # type: ignore[union-attr]
            decide = payments.record_authorization(
                payment_id, attempt.id, NotProcessed("refused"), shop.gateway.reserve(),
                shop.gateway.origin_of(shop.request()), expires_at="", go_on=True,
            )  # fmt: skip
            shop.memory.append_now("payments", decide)

    shop.memory.catch_up = catch_up_with_another_process  # type: ignore[method-assign]
    if who == "resolver":
        await shop.resolve()
    else:
        with pytest.raises(IdempotencyInProgress):
            await shop.authorize(payment_id, key="k")
    assert shop.entry_types(payment_id) == ["created", "authorization_started", "authorization_rerouted"]
