"""A simulator on a temporary folder, called through its ASGI app as other services call it."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from payrail.provider_sim.app import build
from payrail.provider_sim.silence import Silence
from payrail.provider_sim.webhooks import Message
from payrail.runtime.clock import FrozenClock
from payrail.runtime.lifespan import alive
from payrail.runtime.logs import LogWriter
from waiting import until

KEYS = {
    "gateway": "test-key-of-the-gateway",
    "jobs": "test-key-of-the-jobs",
    "seed": "test-key-of-the-seed",
}
ALWAYS_APPROVED = "4242424242424242"


def att(number: int) -> str:
    """A reference; equal numbers give equal references."""
    return f"att_{number:026X}"


async def nobody_listens(_message: Message) -> bool:
    """The gateway, when it does not run."""
    return False


class Simulator:
    """The running app. Answers are parsed JSON with their status."""

    def __init__(self, client: httpx.AsyncClient, silence: Silence, log: io.BytesIO) -> None:
        self.client = client
        self.silence = silence
        self.log = log

    async def call(
        self, method: str, path: str, body: Any = None, *, caller: str = "gateway"
    ) -> tuple[int, dict[str, Any]]:
        response = await self.client.request(
            method, path, json=body, headers={"Authorization": f"Bearer {KEYS[caller]}"}
        )
        return response.status_code, response.json()

    async def authorize(
        self,
        number: int,
        *,
        provider: str = "providerA",
        card: str = ALWAYS_APPROVED,
        exp_year: int = 2031,
        amount: int = 1000,
        attempt: int = 1,
        **fields: Any,
    ) -> tuple[int, dict[str, Any]]:
        body = {
            "reference": att(number),
            "merchant_id": "m_demo",
            "amount": amount,
            "currency": "EUR",
            "country": "DE",
            "card": {"number": card, "exp_month": 12, "exp_year": exp_year, "holder_name": "Ada Lovelace"},
            "cvc": "737",
            "attempt": attempt,
            **fields,
        }
        return await self.call("POST", f"/providers/{provider}/authorize", body)

    async def follow_up(
        self, operation: str, number: int, original: int, amount: int | None = None, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        provider = fields.pop("provider", "providerA")
        body = {"reference": att(number), "original_reference": att(original), **fields}
        if amount is not None:
            body |= {"amount": amount, "currency": fields.get("currency", "EUR")}
        return await self.call("POST", f"/providers/{provider}/{operation}", body)

    async def inquire(self, number: int, provider: str = "providerA") -> tuple[int, dict[str, Any]]:
        return await self.call("GET", f"/providers/{provider}/operations/{att(number)}")

    async def inject(self, provider: str = "providerA", **rule: Any) -> tuple[int, dict[str, Any]]:
        return await self.call("POST", f"/providers/{provider}/inject-failure", rule)

    async def until_silent(self, calls: int = 1) -> None:
        """Wait until so many calls are being left without an answer."""
        await until(lambda: self.silence.waiting >= calls)


async def prepare(sim: Simulator) -> None:
    """An authorization, reference 1, and its capture, reference 2."""
    assert (await sim.authorize(1))[0] == 200
    assert (await sim.follow_up("capture", 2, 1, 500))[0] == 200


@asynccontextmanager
async def simulator(
    data_dir: Path, clock: FrozenClock, *, seed: int = 42, silence: Silence | None = None
) -> AsyncIterator[Simulator]:
    silence = silence or Silence()
    log = io.BytesIO()
    writer = LogWriter(log)
    app = build(
        data_dir=data_dir, seed=seed, clock=clock, internal_keys=KEYS, send=nobody_listens,
        webhook_interval_s=3600, silence=silence, log=writer,
    )  # fmt: skip
    transport = httpx.ASGITransport(app)
    try:
        async with alive(app), httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
            yield Simulator(client, silence, log)
    finally:
        writer.close()
