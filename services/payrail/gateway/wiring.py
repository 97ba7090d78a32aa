"""The gateway put together: the ports made real, the handlers bound to the contract."""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from payrail.gateway.adapters.idempotency_cache import IdempotencyCache
from payrail.gateway.adapters.merchants import MerchantsFile
from payrail.gateway.adapters.providers import SdkProviders
from payrail.gateway.adapters.vault import SdkVault
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.resolve_open_payments import Resolver
from payrail.gateway.http.handlers import Handlers
from payrail.gateway.http.problems import PROBLEMS
from payrail.gateway.http.security import Directory
from payrail.runtime.clock import Clock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal
from payrail.runtime.leases import Leases
from payrail.runtime.logs import LogWriter
from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient
from payrail_sdk.vault import AuthenticatedClient as VaultClient


def build(
    *,
    data_dir: Path,
    clock: Clock,
    merchant_key: str,
    console_key: str,
    vault: VaultClient,
    providers: ProviderClient,
    resolver_interval_s: float,
    log: LogWriter | None = None,
) -> ContractApp:
    """The gateway over `data_dir`. Its ledger is open from the start of the app's lifespan to the end.

    Several processes may run one on the same directory. `vault` and `providers` carry the gateway's internal key.
    """
    handlers = Handlers()
    ids = IdSource(clock, random.Random(secrets.randbits(256)))  # noqa: S311 - ids are names, not secrets
    directory = Directory(MerchantsFile(data_dir / "merchants" / "merchants.json", merchant_key), console_key)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        journal = await FileJournal.open(data_dir / "ledger", lambda: ids.new("le"))
        leases = Leases(data_dir / "run" / "leases.lock")
        gateway = Gateway(
            journal,
            SdkVault(vault),
            SdkProviders(providers),
            clock,
            leases,
            ids.new,
            _owner(ids),
            version("payrail"),
        )
        handlers.gateway = gateway
        cache = IdempotencyCache(data_dir / "idempotency" / "idempotency_keys.json", journal, clock, leases)
        background = [
            asyncio.create_task(Resolver(gateway, resolver_interval_s).run(), name="resolver"),
            asyncio.create_task(cache.run(), name="idempotency cache"),
        ]
        try:
            yield
        finally:
            for task in background:
                await _stop(task)
            await journal.close()
            leases.close()

    return build_contract_app(
        service="gateway",
        contract=_contract(),
        handlers=handlers.table(),
        authenticate={"MerchantKey": directory.authenticate},
        errors=PROBLEMS,
        lifespan=lifespan,
        log=log,
    )


def _contract() -> Any:
    return orjson.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())


def _owner(ids: IdSource) -> str:
    """How this process signs its intents: a person who reads the ledger can find it in the process table."""
    return f"gateway-{os.getpid()}-{ids.new('own')}"


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
