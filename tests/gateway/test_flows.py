"""The flows over a real ledger, without the wire: vault and provider are stand-ins that always say yes."""

import random
from pathlib import Path
from typing import Any

import pytest

from payrail.gateway.domain.outcomes import Answer, Approved, Inquiry, NotFound
from payrail.gateway.flows.authorize_payment import authorize_payment
from payrail.gateway.flows.capture_payment import capture_payment
from payrail.gateway.flows.create_payment import create_payment
from payrail.gateway.flows.gateway import Caller, Gateway, Request
from payrail.gateway.ports import CardDetails
from payrail.ledger.payment_events import PaymentMethod
from payrail.runtime.clock import SystemClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal
from payrail.runtime.leases import Leases
from stand_ins.routing import surroundings

CALLER = Caller("m_demo", "key_demo", "operator")
TERMS = {"amount": 1000, "currency": "USD", "capture_method": "manual", "country": "US"}


class WillingVault:
    async def tokenize(self, *_: Any) -> PaymentMethod:
        return PaymentMethod("tok_1", "visa", "424242", "4242", 12, 2039, "fp")

    async def describe(self, *_: Any) -> PaymentMethod:
        return await self.tokenize()

    async def charge_token(self, *_: Any) -> CardDetails:
        return CardDetails("4242424242424242", 12, 2039)


class WillingProviders:
    async def authorize(self, *_: Any) -> Answer:
        return Approved("pi_1", 0, 3)

    async def capture(self, *_: Any) -> Answer:
        return Approved("ch_1", 7, 3)

    async def reverse(self, *_: Any) -> Answer:
        return Approved("re_1")

    async def inquire(self, *_: Any) -> Inquiry:
        return NotFound()


@pytest.fixture
def ids() -> IdSource:
    return IdSource(SystemClock(None), random.SystemRandom())


def request(key: str) -> Request:
    return Request(CALLER, "correlation-1", key)


async def open_gateway(directory: Path, ids: IdSource) -> Gateway:
    journal = await FileJournal.open(directory / "ledger", lambda: ids.new("le"))
    leases = Leases(directory / "run" / "leases.lock")
    clock = SystemClock(None)
    return Gateway(
        journal=journal,
        vault=WillingVault(),
        providers=WillingProviders(),
        clock=clock,
        leases=leases,
        new_id=ids.new,
        owner="test",
        version="0",
        **surroundings(),
    )


async def test_life_of_a_payment_and_its_replays(tmp_path: Path, ids: IdSource) -> None:
    gateway = await open_gateway(tmp_path, ids)
    created = await create_payment(gateway, request("create"), card=None, token="tok_1", terms=TERMS)
    again = await create_payment(gateway, request("create"), card=None, token="tok_1", terms=TERMS)
    assert again.replayed
    assert again.body == created.body
    payment_id = created.body["id"]
    authorized = await authorize_payment(gateway, request("authorize"), payment_id, None)
    assert authorized.status == 200
    assert authorized.body["state"] == "AUTHORIZED"
    part = await capture_payment(gateway, request("part"), payment_id, 300, final=False)
    assert part.body["state"] == "PARTIALLY_CAPTURED"
    rest = await capture_payment(gateway, request("rest"), payment_id, None, final=False)
    assert rest.body["state"] == "CAPTURED"
    late = await authorize_payment(gateway, request("authorize"), payment_id, None)
    assert late.replayed
    assert late.body == authorized.body
    await gateway.journal.close()


async def test_a_reopened_ledger_folds_to_the_same_state(tmp_path: Path, ids: IdSource) -> None:
    gateway = await open_gateway(tmp_path, ids)
    for number in range(5):
        key = f"create-{number}"
        created = await create_payment(gateway, request(key), card=None, token="tok_1", terms=TERMS)
        await authorize_payment(gateway, request(f"authorize-{number}"), created.body["id"], None)
    await gateway.journal.close()
    reopened = await FileJournal.open(tmp_path / "ledger", lambda: ids.new("le"))
    assert reopened.seq == 15
    assert reopened.state.payments == gateway.journal.state.payments
    assert reopened.state.claims == gateway.journal.state.claims
    await reopened.close()
