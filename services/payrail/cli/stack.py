"""The composition root: which services run in this process, and how they reach each other.

A service of the same process is called in process, one of another process over HTTP, both through the generated SDK.
Nothing here knows of command lines or signals, so that tests start the same stack.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from payrail.cli.services import SERVICES, Sockets
from payrail.runtime.clock import FrozenClock, SystemClock
from payrail.runtime.journal import JournalOpener
from payrail.runtime.lifespan import alive
from payrail.runtime.listening import listen
from payrail.runtime.logs import LogWriter, stderr_log
from payrail.runtime.serving import Listener, serve
from payrail.runtime.settings import Settings

if TYPE_CHECKING:
    from payrail.provider_sim.silence import Silence

AsgiApp = Any
# Not the providers' time-out, which tests make short: a busy vault would seem to be gone.
_VAULT_TIMEOUT_S = 10.0
_JOBS_TIMEOUT_S = 120.0  # A job that somebody waits for may go through a day of a million payments.
AnyClock = SystemClock | FrozenClock


@dataclass
class Stack:
    """Some services, ready to be served in the order of `apps`. `close` it when they were."""

    settings: Settings
    journals: JournalOpener
    apps: dict[str, AsgiApp] = field(default_factory=dict)
    silence: "Silence | None" = None
    _closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def listeners(self, sockets: Sockets) -> list[Listener]:
        """Each app with its socket, in the order in which they start."""
        return [Listener(name, app, sockets[name]) for name, app in self.apps.items()]

    def stopping(self) -> None:
        """Let go of calls that a simulated provider would never answer, so that none holds up the end."""
        if self.silence is not None:
            self.silence.end()

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator["Stack"]:
        """Start the apps without sockets, to be called through `apps`, and end them after the block."""
        async with contextlib.AsyncExitStack() as living:
            for app in self.apps.values():
                await living.enter_async_context(alive(app))
            try:
                yield self
            finally:
                self.stopping()
                await self.close()

    async def close(self) -> None:
        """Release the clients of the services."""
        for close in self._closing:
            await close()

    def on_close(self, close: Callable[[], Awaitable[None]]) -> None:
        self._closing.append(close)


def embedded(
    settings: Settings,
    *,
    clock: AnyClock | None = None,
    log: LogWriter | None = None,
    silence: "Silence | None" = None,
) -> Stack:
    """The whole stack in one process. `silence` is what becomes of calls that a provider never answers."""
    return compose(settings, SERVICES, clock=clock, log=log, silence=silence)


def compose(
    settings: Settings,
    services: Collection[str],
    *,
    clock: AnyClock | None = None,
    log: LogWriter | None = None,
    silence: "Silence | None" = None,
) -> Stack:
    """The named services. A gateway without its vault or simulator must be composed inside the loop it will run in."""
    clock = clock or SystemClock(settings.payrail_data_dir / "clock.json")
    log = log or stderr_log()
    journal = JournalOpener(settings.payrail_data_dir, clock)
    stack = Stack(settings, journal, silence=silence)
    for service in SERVICES:
        if service in services:
            stack.apps[service] = _BUILDERS[service](stack, clock, log)
    return stack


def free_sockets(host: str = "127.0.0.1") -> dict[str, socket.socket]:
    """A listening socket on a free port for each service."""
    return {service: listen(host, 0) for service in SERVICES}


def ports_of(sockets: Sockets) -> dict[str, Any]:
    """The port settings that these sockets make true."""
    return {f"{name.replace('-', '_')}_port": opened.getsockname()[1] for name, opened in sockets.items()}


@contextlib.asynccontextmanager
async def running(stack: Stack, sockets: Sockets) -> AsyncIterator[Stack]:
    """Serve the stack in the current loop for the length of the block. Raises `StartUpError` if it cannot start."""
    ready, stop = asyncio.Event(), asyncio.Event()
    listeners = stack.listeners(sockets)
    serving = serve(
        listeners, on_ready=ready.set, on_stop=stack.stopping, stop=stop, signals=(), tune_gc=False
    )
    server = asyncio.create_task(serving)
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({server, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if not server.done():
            yield stack
    finally:
        stop.set()
        await server
        await stack.close()


def _vault(stack: Stack, clock: AnyClock, log: LogWriter) -> AsgiApp:
    from payrail.vault.app import build

    return build(stack.settings, clock=clock, log=log)


def _provider_sim(stack: Stack, clock: AnyClock, log: LogWriter) -> AsgiApp:
    from payrail.provider_sim.app import build
    from payrail.provider_sim.gateway_client import GatewayClient
    from payrail.provider_sim.silence import Silence

    settings = stack.settings
    stack.silence = stack.silence or Silence()

    @cache
    def gateway() -> Any:
        return _client(stack, "gateway", settings.gateway_url, log, key="")

    return build(
        data_dir=settings.payrail_data_dir,
        seed=settings.seed,
        clock=clock,
        internal_keys=_internal_keys(settings),
        send=GatewayClient(settings.gateway_url, gateway, _webhook_secrets(settings)).send,
        webhook_interval_s=settings.provider_webhook_interval_s,
        silence=stack.silence,
        log=log,
    )


def _ledger_jobs(stack: Stack, clock: AnyClock, log: LogWriter) -> AsgiApp:
    from payrail.ledger_jobs.app import build
    from payrail.ledger_jobs.outbox.dispatcher import OutboxTerms
    from payrail.ledger_jobs.plan import JobDependencies, plan
    from payrail.ledger_jobs.provider_files.downloads import ProviderDownloads
    from payrail.runtime.ids import IdSource
    from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient

    settings, key = stack.settings, stack.settings.internal_api_key_jobs
    providers = ProviderClient(base_url=settings.provider_sim_url, token=key)
    providers.set_async_httpx_client(
        _client(stack, "provider-sim", settings.provider_sim_url, log, key=key, timeout_s=_JOBS_TIMEOUT_S)
    )
    needed = JobDependencies(
        data_dir=settings.payrail_data_dir,
        clock=clock,
        new_id=IdSource(clock, random.SystemRandom()).new,
        downloads=ProviderDownloads(providers),
        settlement_interval_s=settings.settlement_interval_s,
        reconciliation_interval_s=settings.reconciliation_interval_s,
        reconciliation_tolerance_days=settings.reconciliation_tolerance_days,
    )
    return build(
        data_dir=settings.payrail_data_dir,
        clock=clock,
        journals=stack.journals,
        internal_keys=_internal_keys(settings),
        plan=partial(plan, needed),
        outbox=OutboxTerms(
            interval_s=settings.outbox_interval_s,
            timeout_s=settings.outbox_timeout_s,
            public_only=settings.is_production,
            seed=settings.seed,
            settings_merchant="m_demo",
            settings_url=settings.merchant_webhook_url,
            settings_secret=settings.merchant_webhook_secret,
        ),
        log=log,
    )


def _gateway(stack: Stack, clock: AnyClock, log: LogWriter) -> AsgiApp:
    from payrail.gateway.domain.breaker import BreakerPolicy
    from payrail.gateway.wiring import GatewayTerms, Peers, build
    from payrail_sdk.ledger_jobs import AuthenticatedClient as JobsClient
    from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient
    from payrail_sdk.vault import AuthenticatedClient as VaultClient

    settings = stack.settings
    key = settings.internal_api_key_gateway
    vault = VaultClient(base_url=settings.vault_url, token=key)
    vault.set_async_httpx_client(
        _client(stack, "vault", settings.vault_url, log, key=key, timeout_s=_VAULT_TIMEOUT_S)
    )
    providers = ProviderClient(base_url=settings.provider_sim_url, token=key)
    providers.set_async_httpx_client(_client(stack, "provider-sim", settings.provider_sim_url, log, key=key))
    jobs = JobsClient(base_url=settings.ledger_jobs_url, token=key)
    jobs.set_async_httpx_client(
        _client(stack, "ledger-jobs", settings.ledger_jobs_url, log, key=key, timeout_s=_JOBS_TIMEOUT_S)
    )
    terms = GatewayTerms(
        movable_clock=settings.payrail_env != "production",
        merchant_key=settings.merchant_api_key,
        console_key=settings.console_api_key,
        webhook_secrets=_webhook_secrets(settings),
        resolver_interval_s=settings.resolver_interval_s,
        breaker=BreakerPolicy(
            settings.breaker_failure_threshold, settings.breaker_open_s, settings.breaker_half_open_probes
        ),
        routing_rules=settings.routing_rules,
        metrics_interval_s=settings.metrics_interval_s,
        samples_bytes_max=settings.log_bytes_max,
        samples_files_kept=settings.log_files_kept,
    )
    return build(
        data_dir=settings.payrail_data_dir,
        clock=clock,
        journals=stack.journals,
        terms=terms,
        peers=Peers(vault, providers, jobs),
        log=log,
    )


_BUILDERS: Mapping[str, Callable[[Stack, AnyClock, LogWriter], AsgiApp]] = {
    "vault": _vault,
    "provider-sim": _provider_sim,
    "ledger-jobs": _ledger_jobs,
    "gateway": _gateway,
}


def _client(
    stack: Stack, service: str, url: str, log: LogWriter, *, key: str, timeout_s: float | None = None
) -> Any:
    """What one service calls another with; in process, in place of an `httpx.AsyncClient`. `key` names the caller."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout_s = timeout_s or stack.settings.provider_timeout_s
    app = stack.apps.get(service)
    if app is not None:
        from payrail.runtime.in_process import InProcessClient

        local = InProcessClient(app, headers=headers, timeout_s=timeout_s, log=log)
        stack.on_close(local.aclose)
        return local
    from payrail.runtime.http_transport import service_client

    remote = service_client(url, headers=headers, timeout_s=timeout_s)
    stack.on_close(remote.aclose)
    return remote


def _webhook_secrets(settings: Settings) -> dict[str, list[str]]:
    return {
        "providerA": settings.provider_a_webhook_secret.split(),
        "providerB": settings.provider_b_webhook_secret.split(),
    }


def _internal_keys(settings: Settings) -> dict[str, str]:
    return {
        "gateway": settings.internal_api_key_gateway,
        "jobs": settings.internal_api_key_jobs,
        "seed": settings.internal_api_key_seed,
    }
