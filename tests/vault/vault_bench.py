"""A vault on a directory of its own, reached through its ASGI app as every caller reaches it."""

import io
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from payrail.runtime.card_numbers import luhn_valid
from payrail.runtime.clock import FrozenClock
from payrail.runtime.contract_app import ContractApp
from payrail.runtime.ids import IdSource
from payrail.runtime.lifespan import alive
from payrail.runtime.logs import LogWriter
from payrail.vault.app import build_vault
from payrail.vault.opened import Vault

KEYS = {caller: f"{caller}-internal-key" for caller in ("gateway", "jobs", "seed")}
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)

VISA = "4242424242424242"
MASTERCARD = "5555555555554444"


def completed(digits: str) -> str:
    """The digits with the check digit that makes them a card number."""
    return next(digits + check for check in "0123456789" if luhn_valid(digits + check))


def many(count: int) -> list[str]:
    """Different Visa numbers."""
    return [completed(f"4{n:014d}") for n in range(count)]


class Bench:
    """One data directory, on which vaults are started one after the other."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.files = data_dir / "vault"
        self.clock = FrozenClock(NOW)
        self.ids = IdSource(self.clock, random.Random(7))
        self.log = io.BytesIO()
        self.log_writer = LogWriter(self.log)

    def app(self) -> ContractApp:
        return build_vault(
            data_dir=self.data_dir,
            internal_keys=KEYS,
            clock=self.clock,
            ids=self.ids,
            log=self.log_writer,
        )

    @asynccontextmanager
    async def vault(self) -> AsyncIterator["VaultClient"]:
        """A vault from start to end."""
        app = self.app()
        async with alive(app), VaultClient(app) as client:
            yield client

    async def opened(self) -> Vault:
        """The vault's own parts, without its app; raises what refuses the start."""
        return await Vault.open(self.files, clock=self.clock, ids=self.ids)

    @contextmanager
    def edited(self, name: str) -> Iterator[dict[str, Any]]:
        """The items of a keyed file as they are, and then as the block left them: somebody's hand in the files."""
        path, log = self.files / name, self.files / f"{name}.log"
        document = json.loads(path.read_text())
        for line in log.read_text().splitlines() if log.exists() else ():
            document["items"] |= json.loads(line)["put"]
        yield document["items"]
        path.write_text(json.dumps(document))
        log.write_bytes(b"")

    def everything_written(self) -> dict[str, bytes]:
        """Every file of the data directory, and the log of requests."""
        self.log_writer.close()
        written = {
            str(path.relative_to(self.data_dir)): path.read_bytes()
            for path in self.data_dir.rglob("*")
            if path.is_file()
        }
        return {**written, "request log": self.log.getvalue()}


class VaultClient(httpx.AsyncClient):
    """Calls one vault."""

    def __init__(self, app: ContractApp) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        super().__init__(transport=transport, base_url="http://vault")

    async def ask(
        self, path: str, body: object = None, *, caller: str = "gateway", **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.post(path, json=body, headers={"Authorization": f"Bearer {KEYS[caller]}", **named})

    async def tokenized(self, number: str, *, merchant_id: str = "m_demo", **card: object) -> dict[str, Any]:
        body = {"merchant_id": merchant_id, "number": number, "exp_month": 12, "exp_year": 2031, **card}
        answer = await self.ask("/tokenize", body)
        assert answer.status_code == 201, answer.text
        tokenized: dict[str, Any] = answer.json()
        return tokenized

    async def charged(self, token: object, *, merchant_id: str = "m_demo") -> dict[str, object]:
        answer = await self.ask("/charge-token", {"merchant_id": merchant_id, "token": token})
        assert answer.status_code == 200, answer.text
        card: dict[str, object] = answer.json()
        return card

    async def accesses(self, **query: object) -> list[dict[str, object]]:
        """The access log, newest first."""
        answer = await self.get(
            "/access-log",
            params={"limit": 100, **query},  # type: ignore[dict-item]
            headers={"Authorization": f"Bearer {KEYS['gateway']}"},
        )
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, object]] = answer.json()["data"]
        return lines
