"""A merchant's shop on a gateway whose parts live in memory: each test sells something."""

import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.authorize_payment import authorize_payment
from payrail.gateway.flows.cancel_payment import cancel_payment
from payrail.gateway.flows.capture_payment import capture_payment
from payrail.gateway.flows.create_payment import create_payment
from payrail.gateway.flows.gateway import Caller, Gateway, Request
from payrail.gateway.flows.resolve_open_payments import Resolver
from payrail.gateway.ports import CardDetails, Providers
from payrail.ledger.payment import Payment
from payrail.ledger.state import LedgerState
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal, Journal
from payrail.runtime.leases import Leases
from stand_ins.memory_journal import MemoryJournal
from stand_ins.memory_vault import MemoryVault
from stand_ins.routing import surroundings
from stand_ins.scripted_providers import ScriptedProviders

CARD = CardDetails("4242424242424242", 12, 2030)
RESOLVER_INTERVAL_S = 5.0
_LONG = timedelta(hours=1)


class Shop:
    """Sends requests to the flows. A key is made for each request that brings none."""

    def __init__(self, data_dir: Path, journal: Journal | None = None) -> None:
        self.memory = MemoryJournal()
        self.journal: Journal = journal or self.memory
        self.vault = MemoryVault()
        self.providers = ScriptedProviders()
        self.clock = FrozenClock()
        self.leases = Leases(data_dir / "run" / "leases.lock")
        ids = IdSource(self.clock, random.Random(42))
        self.gateway = Gateway(
            journal=self.journal,
            vault=self.vault,
            providers=cast(Providers, self.providers),  # It plays no refunds and no disputes.
            clock=self.clock,
            leases=self.leases,
            new_id=ids.new,
            owner="gateway-1",
            version="0.1.0",
            **surroundings(),
        )
        self.resolver = Resolver(self.gateway, RESOLVER_INTERVAL_S)
        self._keys = (f"key-{number}" for number in itertools.count(1))

    def successor(self) -> "Shop":
        """Another process on the same ledger and the same providers; this one holds no lease any more."""
        other = object.__new__(Shop)
        other.__dict__.update(self.__dict__)
        other.gateway = replace(self.gateway, owner="gateway-2")
        other.resolver = Resolver(other.gateway, RESOLVER_INTERVAL_S)
        return other

    def request(self, key: str | None = None, merchant_id: str = "m_demo") -> Request:
        return Request(Caller(merchant_id, "key_demo", "operator"), "cor-1", key or next(self._keys))

    async def create(
        self, *, key: str | None = None, card: CardDetails | None = CARD, token: str | None = None,
        merchant_id: str = "m_demo", **terms: Any,
    ) -> Rendered:  # fmt: skip
        asked = {"amount": 1000, "currency": "USD", "capture_method": "manual", "country": "US", **terms}
        return await create_payment(
            self.gateway, self.request(key, merchant_id), card=card, token=token, terms=asked
        )

    async def new_payment(self, **terms: Any) -> str:
        """The id of a payment that was just created."""
        payment_id: str = (await self.create(**terms)).body["id"]
        return payment_id

    async def authorized_payment(self, **terms: Any) -> str:
        payment_id = await self.new_payment(**terms)
        rendered = await self.authorize(payment_id)
        assert rendered.body["state"] in ("AUTHORIZED", "CAPTURED")
        return payment_id

    async def authorize(self, payment_id: str, key: str | None = None, **request: Any) -> Rendered:
        return await authorize_payment(self.gateway, self.request(key, **request), payment_id, None)

    async def capture(
        self, payment_id: str, amount: int | None = None, *, key: str | None = None, final: bool = False
    ) -> Rendered:
        return await capture_payment(self.gateway, self.request(key), payment_id, amount, final=final)

    async def cancel(self, payment_id: str, key: str | None = None) -> Rendered:
        return await cancel_payment(self.gateway, self.request(key), payment_id)

    async def resolve(self) -> None:
        """One round of the resolver, when all that waits is due again."""
        self.clock.advance(_LONG)
        await self.resolver.look()

    def payment(self, payment_id: str) -> Payment:
        return self.journal.state.payments[payment_id]

    def entry_types(self, payment_id: str) -> list[str]:
        return [entry.type.removeprefix("payment.") for entry in self.journal.read(payment_id)]

    def outcomes(self, payment_id: str) -> list[tuple[str, str, str]]:
        """Operation, provider and outcome of each attempt."""
        return [(a.operation, a.provider, a.outcome) for a in self.payment(payment_id).attempts]

    def require_sound_books(self) -> None:
        """The books balance, and folding the entries again gives the state there is."""
        state = LedgerState()
        for entry in self.journal.tail(0):
            state.stage(entry)
            state.publish()
        assert state.payments == self.journal.state.payments
        assert state.claims == self.journal.state.claims
        assert state.balances.out_of_balance() == {}
        assert self.providers.live_max <= 1
        for payment in state.payments.values():
            assert payment.amount_captured <= self.providers.captured(payment.id)
            if payment.pending is None:
                assert payment.amount_captured == self.providers.captured(payment.id)


@asynccontextmanager
async def shop_on_files(directory: Path) -> AsyncIterator[Shop]:
    """A shop whose ledger is files, as a gateway's process has it; several may share them."""
    ids = IdSource(FrozenClock(), random.Random())
    journal = await FileJournal.open(directory / "ledger", lambda: ids.new("le"))
    shop = Shop(directory, journal)
    try:
        yield shop
    finally:
        await journal.close()
        shop.leases.close()
