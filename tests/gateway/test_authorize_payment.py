"""Authorizing: one provider after the other, and never a second hold while the first may live."""

from datetime import timedelta

import pytest
from shop import Shop

from payrail.gateway.domain.errors import PaymentNotFound
from payrail.gateway.ports import VaultUnavailable
from payrail.ledger.transitions import InvalidTransition

_SECOND = timedelta(seconds=1)


async def test_an_approval_authorizes_the_whole_amount_at_the_cheapest_provider(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert rendered.status == 200
    assert (rendered.body["state"], rendered.body["amount_authorized"]) == ("AUTHORIZED", 1000)
    assert rendered.body["provider"] == "providerA"
    assert rendered.body["expires_at"] == "2025-01-08T00:00:00.000Z"
    assert shop.entry_types(payment_id) == ["created", "authorization_started", "authorized"]
    assert shop.providers.live_holds(payment_id) == ["providerA"]


async def test_the_intent_is_durable_before_the_provider_is_called(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    seen: list[list[str]] = []
    shop.providers.before_call = lambda: seen.append(shop.entry_types(payment_id))
    await shop.authorize(payment_id)
    assert seen == [["created", "authorization_started"]]
    started = shop.journal.read(payment_id)[1].data
    assert shop.providers.calls[0].reference == started.attempt.id


async def test_a_hard_decline_stands(shop: Shop) -> None:
    shop.providers.fates["providerA"] = "insufficient_funds"
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.status, rendered.body["state"]) == (200, "DECLINED")
    assert rendered.body["decline"]["code"] == "insufficient_funds"
    assert shop.outcomes(payment_id) == [("authorize", "providerA", "declined")]


@pytest.mark.parametrize("code", ["generic_decline", "processing_error"])
async def test_a_soft_decline_goes_on_to_the_next_provider(shop: Shop, code: str) -> None:
    shop.providers.fates["providerA"] = code
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.body["state"], rendered.body["provider"]) == ("AUTHORIZED", "providerB")
    assert rendered.body["decline"] is None
    assert shop.outcomes(payment_id) == [
        ("authorize", "providerA", "declined"),
        ("authorize", "providerB", "approved"),
    ]


async def test_the_last_providers_soft_decline_declines(shop: Shop) -> None:
    shop.providers.fates = {"providerA": "generic_decline", "providerB": "processing_error"}
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.body["state"], rendered.body["decline"]["code"]) == ("DECLINED", "processing_error")


async def test_what_was_surely_not_processed_goes_on_to_the_next_provider(shop: Shop) -> None:
    shop.providers.script("authorize", "not_processed")
    payment_id = await shop.new_payment()
    assert (await shop.authorize(payment_id)).body["provider"] == "providerB"
    assert shop.outcomes(payment_id)[0] == ("authorize", "providerA", "not_processed")
    assert shop.providers.called("inquire") == []


async def test_if_no_provider_takes_it_the_payment_failed(shop: Shop) -> None:
    shop.providers.script("authorize", "not_processed", "not_processed")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (200, "FAILED")
    assert (await shop.authorize(payment_id, key="k")).replayed


# ---- unknown --------------------------------------------------------------------------------------------------------


async def test_a_lost_approval_is_found_by_inquiry(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_after")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.status, rendered.body["state"], rendered.body["provider"]) == (
        200,
        "AUTHORIZED",
        "providerA",
    )
    assert shop.entry_types(payment_id)[1:] == [
        "authorization_started",
        "authorization_unknown",
        "authorized",
    ]
    assert len({call.reference for call in shop.providers.calls}) == 1, "inquired by the same reference"


async def test_a_lost_decline_is_found_by_inquiry_and_stands(shop: Shop) -> None:
    shop.providers.fates["providerA"] = "lost_card"
    shop.providers.script("authorize", "lost_after")
    payment_id = await shop.new_payment()
    assert (await shop.authorize(payment_id)).body["state"] == "DECLINED"
    assert shop.providers.called("reverse") == []


async def test_a_lost_soft_decline_goes_on_to_the_next_provider(shop: Shop) -> None:
    shop.providers.fates["providerA"] = "generic_decline"
    shop.providers.script("authorize", "lost_after")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.body["state"], rendered.body["provider"]) == ("AUTHORIZED", "providerB")


async def test_what_no_provider_knows_is_reversed_before_the_next_one_is_asked(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.body["state"], rendered.body["provider"]) == ("AUTHORIZED", "providerB")
    assert [(call.operation, call.provider) for call in shop.providers.calls] == [
        ("authorize", "providerA"),
        ("inquire", "providerA"),
        ("reverse", "providerA"),
        ("authorize", "providerB"),
    ]
    assert shop.outcomes(payment_id) == [
        ("authorize", "providerA", "reversed"),
        ("reversal", "providerA", "approved"),
        ("authorize", "providerB", "approved"),
    ]


async def test_a_hold_of_another_amount_is_reversed_before_the_next_provider_is_asked(shop: Shop) -> None:
    shop.providers.script("authorize", "contradicts")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id)
    assert (rendered.body["state"], rendered.body["provider"]) == ("AUTHORIZED", "providerB")
    assert shop.outcomes(payment_id) == [
        ("authorize", "providerA", "reversed"),
        ("reversal", "providerA", "approved"),
        ("authorize", "providerB", "approved"),
    ]
    assert shop.entry_types(payment_id)[1:4] == [
        "authorization_started",
        "authorization_unknown",
        "reversal_started",
    ]
    assert shop.providers.live_max == 1


async def test_an_approval_that_comes_late_for_a_reversed_reference_holds_nothing(shop: Shop) -> None:
    shop.providers.script("authorize", "late")
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id)
    shop.providers.deliver()
    assert shop.providers.live_holds(payment_id) == ["providerB"]


async def test_while_nobody_can_say_the_answer_is_202_and_the_resolver_finds_out(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (202, "UNKNOWN")
    await shop.resolve()
    assert shop.payment(payment_id).state == "AUTHORIZED"
    answer = await shop.authorize(payment_id, key="k")
    assert (answer.status, answer.body["state"], answer.replayed) == (200, "AUTHORIZED", True)
    assert shop.journal.read(payment_id)[-1].actor.role == "system"


async def test_the_resolver_reverses_what_is_not_found_and_ends_in_failed(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id, key="k")
    await shop.resolve()
    assert shop.payment(payment_id).state == "FAILED"
    assert len(shop.providers.called("authorize")) == 1, "without a caller no other provider is asked"
    assert (await shop.authorize(payment_id, key="k")).body["state"] == "FAILED"


async def test_a_retry_with_the_same_key_takes_over_and_goes_on_to_the_next_provider(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    assert (await shop.authorize(payment_id, key="k")).status == 202
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"], rendered.body["provider"]) == (
        200,
        "AUTHORIZED",
        "providerB",
    )
    assert not rendered.replayed


@pytest.mark.parametrize("wire", ["lost_before", "lost_after", "not_processed"])
async def test_without_an_acknowledged_reversal_nothing_else_happens(shop: Shop, wire: str) -> None:
    shop.providers.script("authorize", "lost_before")
    shop.providers.script("reverse", wire, wire)  # type: ignore[arg-type]
    payment_id = await shop.new_payment()
    assert (await shop.authorize(payment_id, key="k")).status == 202
    assert shop.payment(payment_id).state == "REVERSING"
    with pytest.raises(InvalidTransition, match="REVERSING"):
        await shop.authorize(payment_id, key="another")
    await shop.resolve()
    assert shop.payment(payment_id).state == "REVERSING"
    await shop.resolve()
    assert shop.payment(payment_id).state == "FAILED"
    reversals = {call.reference for call in shop.providers.called("reverse")}
    assert len(reversals) == 1, "the same reversal, however often"


async def test_a_reversal_that_is_refused_is_sent_anew_under_a_reference_of_its_own(shop: Shop) -> None:
    """A provider says again what it said under a reference, so that the same reversal would be refused for ever."""
    shop.providers.script("authorize", "lost_before")
    shop.providers.reverse_fate = "processing_error"
    payment_id = await shop.new_payment()
    assert (await shop.authorize(payment_id, key="k")).status == 202
    await shop.resolve()
    assert shop.payment(payment_id).state == "REVERSING"
    assert [call.provider for call in shop.providers.called("authorize")] == ["providerA"]
    shop.providers.reverse_fate = "approved"
    assert (await shop.authorize(payment_id, key="k")).body["state"] == "AUTHORIZED"
    reversals = [call.reference for call in shop.providers.called("reverse")]
    assert len(set(reversals)) == len(reversals) == 3
    assert shop.outcomes(payment_id) == [
        ("authorize", "providerA", "reversed"),
        ("reversal", "providerA", "declined"),
        ("reversal", "providerA", "declined"),
        ("reversal", "providerA", "approved"),
        ("authorize", "providerB", "approved"),
    ]


async def test_the_resolver_waits_longer_each_time(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before", times=50)
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id)
    looks = []
    for second in range(400):
        before = len(shop.providers.called("inquire"))
        await shop.resolver.look()
        if len(shop.providers.called("inquire")) > before:
            looks.append(second)
        shop.clock.advance(_SECOND)
    assert looks == [0, 5, 15, 35, 75, 155, 315]
    assert shop.payment(payment_id).state == "UNKNOWN"


# ---- refusals -------------------------------------------------------------------------------------------------------


async def test_a_payment_is_authorized_once(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    with pytest.raises(InvalidTransition) as refused:
        await shop.authorize(payment_id)
    assert (refused.value.current, refused.value.target) == ("AUTHORIZED", "AUTHORIZING")


async def test_another_merchants_payment_is_not_found(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    with pytest.raises(PaymentNotFound):
        await shop.authorize(payment_id, merchant_id="m_acme")
    with pytest.raises(PaymentNotFound):
        await shop.authorize("pay_01JDAAAAAAAAAAAAAAAAAAAAAA")


async def test_without_the_vault_nothing_is_written_and_the_key_stays_free(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    shop.vault.down = True
    with pytest.raises(VaultUnavailable):
        await shop.authorize(payment_id, key="k")
    assert shop.entry_types(payment_id) == ["created"]
    shop.vault.down = False
    assert (await shop.authorize(payment_id, key="k")).body["state"] == "AUTHORIZED"


async def test_a_replay_needs_neither_vault_nor_provider(shop: Shop) -> None:
    payment_id = await shop.new_payment()
    first = await shop.authorize(payment_id, key="k")
    await shop.capture(payment_id)
    calls = len(shop.providers.calls)
    shop.vault.down = True
    again = await shop.authorize(payment_id, key="k")
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    assert len(shop.providers.calls) == calls


# ---- automatic capture ----------------------------------------------------------------------------------------------


async def test_an_automatic_payment_is_captured_at_once(shop: Shop) -> None:
    payment_id = await shop.new_payment(capture_method="automatic")
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"], rendered.body["amount_captured"]) == (
        200,
        "CAPTURED",
        1000,
    )
    assert shop.entry_types(payment_id)[1:] == ["authorization_started", "authorized", "captured"]
    assert (await shop.authorize(payment_id, key="k")).body == rendered.body


async def test_an_automatic_capture_whose_answer_is_lost_is_found_by_inquiry(shop: Shop) -> None:
    shop.providers.script("capture", "lost_after")
    payment_id = await shop.new_payment(capture_method="automatic")
    assert (await shop.authorize(payment_id)).body["state"] == "CAPTURED"
    assert len(shop.providers.called("capture")) == 1


async def test_an_automatic_capture_that_nobody_knows_of_answers_202_until_it_is_resolved(shop: Shop) -> None:
    shop.providers.script("capture", "lost_before")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment(capture_method="automatic")
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (202, "AUTHORIZED")
    await shop.resolve()
    again = await shop.authorize(payment_id, key="k")
    assert (again.status, again.body["state"]) == (200, "CAPTURED")


@pytest.mark.parametrize("refusal", ["not_processed", "declined"])
async def test_an_automatic_payment_whose_capture_is_refused_stays_authorized(
    shop: Shop, refusal: str
) -> None:
    if refusal == "declined":
        shop.providers.capture_fate = "processing_error"
    else:
        shop.providers.script("capture", "not_processed")
    payment_id = await shop.new_payment(capture_method="automatic")
    rendered = await shop.authorize(payment_id, key="k")
    assert (rendered.status, rendered.body["state"]) == (200, "AUTHORIZED")
    assert (await shop.authorize(payment_id, key="k")).replayed
    shop.providers.capture_fate = "approved"
    assert (await shop.capture(payment_id)).body["state"] == "CAPTURED"


async def test_a_crash_between_approval_and_capture_is_finished_by_the_resolver(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment(capture_method="automatic")
    assert (await shop.authorize(payment_id, key="k")).status == 202
    await shop.resolve()
    assert shop.payment(payment_id).state == "CAPTURED"
    assert (await shop.authorize(payment_id, key="k")).body["state"] == "CAPTURED"
