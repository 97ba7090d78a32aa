"""The simulator as an ASGI app."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import orjson

from payrail.provider_sim.errors import ERRORS
from payrail.provider_sim.handlers import SERVICE, Handlers
from payrail.provider_sim.profiles import PROFILES
from payrail.provider_sim.provider import Provider
from payrail.provider_sim.silence import Silence
from payrail.provider_sim.webhooks import Send
from payrail.runtime.clock import Clock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.ids import IdSource
from payrail.runtime.internal_keys import InternalKeys
from payrail.runtime.logs import LogWriter

logger = logging.getLogger(__name__)


def build(
    *,
    data_dir: Path,
    seed: int,
    clock: Clock,
    internal_keys: Mapping[str, str],
    send: Send,
    webhook_interval_s: float,
    silence: Silence | None = None,
    log: LogWriter | None = None,
) -> ContractApp:
    """The simulator over ``data_dir/providers``; ``internal_keys`` is the key of each caller by its name.

    `send` takes webhooks to the gateway; the simulator looks for due ones every `webhook_interval_s` seconds.
    Its files are open from the start of its lifespan to the end; only one process can have them. A server that waits
    for open requests when it stops calls ``silence.end()`` first, which lets go of those that are never answered.
    """
    hush = silence or Silence()
    handlers = Handlers(
        clock=clock, ids=IdSource(clock, random.SystemRandom()), send=send, version=version("payrail")
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        with ExitStack() as opened:
            providers = {}
            for profile in PROFILES.values():
                provider = Provider.open(
                    profile, directory=data_dir / "providers", seed=seed, clock=clock, silence=hush
                )
                opened.callback(provider.close)
                providers[profile.id] = provider
                await provider.outbox.shorten()
            handlers.providers = providers
            sender = asyncio.create_task(_send_forever(providers.values(), send, webhook_interval_s))
            try:
                yield
            finally:
                hush.end()
                handlers.providers = {}
                sender.cancel()
                with suppress(asyncio.CancelledError):
                    await sender

    return build_contract_app(
        service=SERVICE,
        contract=orjson.loads(files("payrail.contracts").joinpath(f"{SERVICE}.json").read_bytes()),
        handlers=handlers.table(),
        authenticate={"InternalKey": InternalKeys(internal_keys)},
        errors=ERRORS,
        lifespan=lifespan,
        log=log,
    )


async def _send_forever(providers: Collection[Provider], send: Send, interval_s: float) -> None:
    """Look for webhooks that are due, until cancelled. A round that fails is logged and followed by the next."""
    while True:
        await asyncio.sleep(interval_s)
        for provider in providers:
            try:
                await provider.send_webhooks(send)
            except Exception:
                logger.exception("the webhooks of %s were not sent", provider.profile.id)
