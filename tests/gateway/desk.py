"""A merchant's people at work against a whole stack: each call says who makes it, in which role."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from payrail.cli.stack import embedded
from payrail.provider_sim.silence import Silence
from payrail.runtime.clock import FrozenClock
from payrail.runtime.settings import load_settings
from waiting import LIMIT_S

VISA = "4242424242424242"

#: When a provider that never answers is taken for one. It is not the gateway's time-out, which runs against every call:
#: a busy machine would lose answers that no test wants to be lost.
SILENCE_S = 0.05
_keys = itertools.count(1)


class Desk:
    """Calls the gateway as any user of any merchant, and the simulator as the gateway's operators would."""

    def __init__(self, gateway: httpx.AsyncClient, simulator: httpx.AsyncClient, clock: FrozenClock) -> None:
        self.gateway = gateway
        self._simulator = simulator
        self.clock = clock

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str = "olga",
        role: str = "operator",
        merchant: str = "m_demo",
        key: str | None = None,
        params: Any = None,
    ) -> httpx.Response:
        headers = {"X-Merchant-Id": merchant, "X-Role": role, "X-User-Id": user}
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-{next(_keys)}"
        return await self.gateway.request(method, path, json=body, headers=headers, params=params)

    async def post(self, path: str, body: Any = None, **who: Any) -> httpx.Response:
        return await self.call("POST", path, body, **who)

    async def get(self, path: str, **who: Any) -> Any:
        answer = await self.call("GET", path, **who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def payment(self, amount: int = 10_000, *, captured: int | None = None, card: str = VISA) -> str:
        """An authorized payment, of which `captured` is captured: all of it if none, nothing if zero."""
        method = {"card": {"number": card, "exp_month": 12, "exp_year": 2039}}
        made = await self.post("/payments", {"amount": amount, "currency": "USD", "payment_method": method})
        assert made.status_code == 201, made.text
        payment_id: str = made.json()["id"]
        assert (await self.post(f"/payments/{payment_id}/authorize")).json()["state"] == "AUTHORIZED"
        if captured != 0:
            body = {} if captured is None else {"amount": captured}
            answer = await self.post(f"/payments/{payment_id}/capture", body)
            assert answer.status_code == 200, answer.text
        return payment_id

    async def refund(self, payment_id: str, amount: int | None = None, **who: Any) -> str:
        """The id of a requested refund."""
        body = {"payment_id": payment_id, "reason": "returned"} | ({"amount": amount} if amount else {})
        answer = await self.post("/refunds", body, **who)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def approve(self, refund_id: str, **who: Any) -> httpx.Response:
        return await self.post(
            f"/refunds/{refund_id}/approve", **({"user": "anna", "role": "approver"} | who)
        )

    async def reject(self, refund_id: str, **who: Any) -> httpx.Response:
        return await self.post(f"/refunds/{refund_id}/reject", **({"user": "anna", "role": "approver"} | who))

    async def dispute(self, payment_id: str, amount: int | None = None, **who: Any) -> str:
        """The id of an opened dispute."""
        body = {"payment_id": payment_id, "reason": "fraudulent"} | ({"amount": amount} if amount else {})
        answer = await self.post("/disputes", body, **who)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def evidence(self, dispute_id: str, **who: Any) -> httpx.Response:
        body = {"kind": "receipt", "text": "signed for"}
        return await self.post(f"/disputes/{dispute_id}/evidence", body, **who)

    async def resolve(self, dispute_id: str, outcome: str, **who: Any) -> httpx.Response:
        return await self.post(f"/disputes/{dispute_id}/resolve", {"outcome": outcome}, **who)

    async def accounts(self, payment_id: str) -> dict[str, int]:
        """The signed sums of the payment's postings by account, all of which must cancel out."""
        sums: dict[str, int] = {}
        entries = (await self.get(f"/payments/{payment_id}/ledger", params={"limit": 100}))["data"]
        for posting in (posting for entry in entries for posting in entry["postings"]):
            sign = 1 if posting["side"] == "debit" else -1
            sums[posting["account"]] = sums.get(posting["account"], 0) + sign * posting["amount"]
        assert sum(sums.values()) == 0
        return sums

    async def inject(self, provider: str = "providerA", **rule: Any) -> None:
        """A failure, if not said otherwise at the provider that takes payments in dollars."""
        answer = await self._simulator.post(f"/providers/{provider}/inject-failure", json=rule)
        assert answer.status_code == 201, answer.text

    async def clear_failures(self) -> None:
        await self._simulator.delete("/providers/providerA/failures")

    async def deliver(self) -> dict[str, int]:
        """Have the providers send every webhook that is due."""
        return dict((await self._simulator.post("/webhooks/deliver")).json())

    async def operations(self) -> dict[str, int]:
        """How many operations of each kind the provider has on record."""
        return dict((await self._simulator.get("/providers/providerA/state")).json()["operations"])

    async def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """What the path shows as soon as the condition holds. The clock runs on, so that whatever backs off is due."""
        async with asyncio.timeout(LIMIT_S):
            while not holds(shown := await self.get(path)):
                self.clock.advance(timedelta(seconds=2))
                await asyncio.sleep(0.01)
        return shown


@asynccontextmanager
async def open_desk(data_dir: Path, clock: FrozenClock, **settings: Any) -> AsyncIterator[Desk]:
    """A stack on `data_dir` whose resolver looks all the time. The providers send their webhooks when they are told to,
    and when the clock is moved: one that comes while its call is being answered would be refused, to come again."""
    often_and_never = {"resolver_interval_s": 0.02, "provider_webhook_interval_s": 3600}
    chosen = load_settings(payrail_data_dir=data_dir, **{**often_and_never, **settings})
    async with embedded(chosen, clock=clock, silence=Silence(SILENCE_S)).alive() as stack:
        apps, keys = stack.apps, (chosen.console_api_key, chosen.internal_api_key_gateway)
        gateway, simulator = (
            httpx.AsyncClient(
                transport=httpx.ASGITransport(apps[service]),
                base_url=f"http://{service}",
                headers={"Authorization": f"Bearer {key}"},
            )
            for service, key in zip(("gateway", "provider-sim"), keys, strict=True)
        )
        async with gateway, simulator:
            yield Desk(gateway, simulator, clock)
