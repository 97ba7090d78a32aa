"""Creating a payment: the card goes to the vault, the payment to the ledger, the key answers for both."""

import asyncio

import pytest
from shop import CARD, Shop

from payrail.gateway.domain.errors import IdempotencyKeyReused
from payrail.gateway.ports import CardDetails, TokenNotFound, VaultUnavailable
from payrail.ledger.money import UnknownCurrency


async def test_a_payment_is_created_with_what_may_be_known_of_its_card(shop: Shop) -> None:
    rendered = await shop.create(amount=1250, metadata={"order": "7"}, merchant_reference="order-7")
    assert rendered.status == 201
    assert not rendered.replayed
    body = rendered.body
    assert (body["state"], body["amount"], body["currency"], body["version"]) == ("CREATED", 1250, "USD", 1)
    assert body["payment_method"]["last4"] == "4242"
    assert body["metadata"] == {"order": "7"}
    assert CARD.number not in str(shop.memory.lines)
    assert shop.providers.calls == []


async def test_the_same_request_again_is_the_same_answer(shop: Shop) -> None:
    first = await shop.create(key="k")
    again = await shop.create(key="k")
    assert again.replayed
    assert (again.status, again.body) == (first.status, first.body)
    assert len(shop.memory.entries) == 1


async def test_a_replay_shows_the_payment_as_it_was_then(shop: Shop) -> None:
    first = await shop.create(key="k")
    await shop.authorize(first.body["id"])
    assert (await shop.create(key="k")).body == first.body


async def test_a_key_with_another_request_is_refused(shop: Shop) -> None:
    await shop.create(key="k")
    for changed in (
        {"amount": 1001},
        {"card": CardDetails("4000000000000002", 12, 2030)},
        {"card": CardDetails(CARD.number, 11, 2030)},
        {"description": "another"},
    ):
        with pytest.raises(IdempotencyKeyReused):
            await shop.create(key="k", **changed)
    assert len(shop.memory.entries) == 1


async def test_keys_of_two_merchants_do_not_meet(shop: Shop) -> None:
    mine = await shop.create(key="k")
    theirs = await shop.create(key="k", merchant_id="m_acme")
    assert theirs.body["id"] != mine.body["id"]


async def test_of_many_requests_at_once_with_one_key_one_creates(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.create(key="k") for _ in range(20)))
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert len(shop.memory.entries) == 1


async def test_a_token_serves_in_place_of_the_card_but_only_its_own_merchant(shop: Shop) -> None:
    token = (await shop.create()).body["payment_method"]["token"]
    assert (await shop.create(card=None, token=token)).body["payment_method"]["token"] == token
    with pytest.raises(TokenNotFound):
        await shop.create(card=None, token=token, merchant_id="m_acme")


async def test_without_the_vault_or_with_no_currency_nothing_is_written(shop: Shop) -> None:
    shop.vault.down = True
    with pytest.raises(VaultUnavailable):
        await shop.create(key="k")
    shop.vault.down = False
    with pytest.raises(UnknownCurrency):
        await shop.create(key="k", currency="XXX")
    assert shop.memory.entries == []
    assert (await shop.create(key="k")).status == 201
