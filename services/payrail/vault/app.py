"""The vault put together: its files, its handlers, its contract."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from payrail import contracts
from payrail.runtime.clock import Clock, SystemClock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.ids import IdSource
from payrail.runtime.internal_keys import InternalKeys
from payrail.runtime.logs import LogWriter
from payrail.runtime.settings import Settings
from payrail.vault.errors import ERRORS, VaultUnavailable
from payrail.vault.handlers import Handlers
from payrail.vault.opened import Vault
from payrail.vault.witness import authenticator, witness


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: IdSource | None = None,
    log: LogWriter | None = None,
) -> ContractApp:
    """The vault's ASGI app as the settings want it, with the shared clock and the system's randomness."""
    clock = clock or SystemClock(settings.payrail_data_dir / "clock.json")
    return build_vault(
        data_dir=settings.payrail_data_dir,
        internal_keys={
            "gateway": settings.internal_api_key_gateway,
            "jobs": settings.internal_api_key_jobs,
            "seed": settings.internal_api_key_seed,
        },
        clock=clock,
        ids=ids or IdSource(clock, random.SystemRandom()),
        log=log,
    )


def build_vault(
    *,
    data_dir: Path,
    internal_keys: Mapping[str, str],
    clock: Clock,
    ids: IdSource,
    log: LogWriter | None = None,
) -> ContractApp:
    """The vault's ASGI app on ``data_dir/vault``. ``internal_keys`` maps each caller to its key.

    The files are opened by the app's lifespan and released at its end; before and after, every access is
    answered with 503. Opening raises `VaultUnusable`, `StoreCorrupt` or `LockHeld` out of the lifespan.
    """
    contract: dict[str, Any] = orjson.loads(Path(contracts.__file__).with_name("vault.json").read_bytes())
    opened: list[Vault] = []

    def vault() -> Vault:
        if not opened:
            raise VaultUnavailable
        return opened[0]

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        opened.append(await Vault.open(data_dir / "vault", clock=clock, ids=ids))
        try:
            yield
        finally:
            await opened.pop().close()

    return build_contract_app(
        service="vault",
        contract=contract,
        handlers=Handlers(vault, clock, version("payrail")).by_operation(),
        authenticate={"InternalKey": authenticator(InternalKeys(internal_keys))},
        errors=ERRORS,
        lifespan=lifespan,
        log=log,
        witness=witness(lambda: vault().access_log),
    )
