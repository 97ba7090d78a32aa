"""The gateway put together: the ports made real, the handlers bound to the contract."""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from payrail.gateway.adapters.action_log import ActionLog
from payrail.gateway.adapters.breakers import FileBreakers
from payrail.gateway.adapters.clock_control import ClockMover
from payrail.gateway.adapters.customers import CustomersFile
from payrail.gateway.adapters.guarded_providers import GuardedProviders
from payrail.gateway.adapters.idempotency_cache import IdempotencyCache
from payrail.gateway.adapters.jobs import SdkJobs
from payrail.gateway.adapters.merchants import MerchantsFile
from payrail.gateway.adapters.outbox import SdkOutbox
from payrail.gateway.adapters.provider_controls import SdkProviderControls
from payrail.gateway.adapters.provider_webhooks import SignedNotices
from payrail.gateway.adapters.providers import PROVIDERS, SdkProviders
from payrail.gateway.adapters.reconciliation_jobs import SdkReconciliationJobs
from payrail.gateway.adapters.routing_rules import RoutingRulesFile
from payrail.gateway.adapters.services import SdkServices
from payrail.gateway.adapters.settlement_jobs import SdkSettlementJobs
from payrail.gateway.adapters.unmatched_notices import UnmatchedLog
from payrail.gateway.adapters.vault import SdkVault
from payrail.gateway.adapters.vault_keys import SdkVaultKeys
from payrail.gateway.domain.breaker import BreakerPolicy
from payrail.gateway.flows.due_work import DueWork
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_metrics import gauges
from payrail.gateway.flows.resolve_open_payments import Resolver
from payrail.gateway.flows.run_due_jobs import run_due_jobs
from payrail.gateway.flows.send_webhooks import send_webhooks
from payrail.gateway.http.handlers import Handlers
from payrail.gateway.http.problems import PROBLEMS
from payrail.gateway.http.security import Directory
from payrail.runtime.clock import FrozenClock, SystemClock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import JournalOpener
from payrail.runtime.leases import Leases
from payrail.runtime.logs import LogWriter
from payrail.runtime.metrics import Metrics, keep_samples
from payrail.runtime.rotated_file import RotatedFile
from payrail_sdk.ledger_jobs import AuthenticatedClient as JobsClient
from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient
from payrail_sdk.vault import AuthenticatedClient as VaultClient

SAMPLES = Path("metrics", "service_metrics.jsonl")


class GatewayTerms(Struct, frozen=True):
    """What the settings say of the gateway. Without a file of `routing_rules` the packaged rules hold."""

    movable_clock: bool
    merchant_key: str
    console_key: str
    webhook_secrets: Mapping[str, Sequence[str]]
    resolver_interval_s: float
    breaker: BreakerPolicy
    routing_rules: Path | None
    metrics_interval_s: float
    samples_bytes_max: int
    samples_files_kept: int


class Peers(Struct, frozen=True):
    """The services that the gateway calls, by clients that carry its internal key."""

    vault: VaultClient
    providers: ProviderClient
    jobs: JobsClient


class _Shelf(Struct, frozen=True):
    """What is there before the ledger is open, and stays when it is closed."""

    data_dir: Path
    clock: SystemClock | FrozenClock
    ids: IdSource
    merchants: MerchantsFile
    rules: RoutingRulesFile
    metrics: Metrics


def build(
    *,
    data_dir: Path,
    clock: SystemClock | FrozenClock,
    journals: JournalOpener,
    terms: GatewayTerms,
    peers: Peers,
    log: LogWriter | None = None,
) -> ContractApp:
    """The gateway over `data_dir`. Its ledger is open from the start of the app's lifespan to the end.

    Several processes may run one on the same directory. Raises `MerchantsInvalid`, and `RoutingRulesInvalid` where the
    file of routing rules cannot be taken.
    """
    handlers = Handlers()
    shelf = _Shelf(
        data_dir,
        clock,
        IdSource(clock, random.Random(secrets.randbits(256))),  # noqa: S311 - ids are names, not secrets
        MerchantsFile(data_dir / "merchants" / "merchants.json", terms.merchant_key),
        RoutingRulesFile(terms.routing_rules, clock, providers=PROVIDERS),
        Metrics(),
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            gateway = await _opened(closing, shelf, journals, terms, peers)
            shelf.metrics.show(lambda: gauges(gateway))
            handlers.gateway = gateway
            async with _background(*_work(gateway, shelf, terms)):
                yield

    return build_contract_app(
        service="gateway",
        contract=_contract(),
        handlers=handlers.table(),
        authenticate={"MerchantKey": Directory(shelf.merchants, terms.console_key).authenticate},
        errors=PROBLEMS,
        lifespan=lifespan,
        log=log,
        observe=shelf.metrics.observe_request,
    )


async def _opened(
    closing: AsyncExitStack, shelf: _Shelf, journals: JournalOpener, terms: GatewayTerms, peers: Peers
) -> Gateway:
    """The collaborators of the flows, over open files. The ledger is opened last and so closed first, while the
    attempts that it was told of are still leased."""
    data_dir, clock = shelf.data_dir, shelf.clock
    leases = Leases(data_dir / "run" / "leases.lock")
    closing.callback(leases.close)
    trail = ActionLog(data_dir / "audit" / "actions.jsonl")
    closing.callback(trail.close)
    unmatched = UnmatchedLog(data_dir / "webhooks" / "unmatched.jsonl")
    closing.callback(unmatched.close)
    customers = CustomersFile(data_dir / "customers" / "customers.json")
    closing.callback(customers.close)
    journal = await journals.open()
    closing.push_async_callback(journals.close)
    breakers = FileBreakers(data_dir / "providers", terms.breaker, clock, leases, providers=PROVIDERS)
    guarded = GuardedProviders(SdkProviders(peers.providers), breakers, shelf.metrics.observe_call)
    services = SdkServices(peers.vault, peers.providers, peers.jobs)
    return Gateway(
        journal, SdkVault(peers.vault), guarded, clock, leases, shelf.ids.new, _owner(shelf.ids), version("payrail"),
        shelf.rules, breakers, SdkProviderControls(peers.providers), services, shelf.metrics, trail,
        ClockMover(clock, movable=terms.movable_clock), DueWork(), SdkVaultKeys(peers.vault), customers,
        SignedNotices(terms.webhook_secrets), unmatched, shelf.merchants, SdkJobs(peers.jobs),
        SdkSettlementJobs(peers.jobs), SdkReconciliationJobs(peers.jobs), SdkOutbox(peers.jobs),
    )  # fmt: skip


def _work(gateway: Gateway, shelf: _Shelf, terms: GatewayTerms) -> tuple[Coroutine[Any, Any, None], ...]:
    """What runs beside the requests; and what falls due when the clock is moved, in its order."""
    resolver = Resolver(gateway, terms.resolver_interval_s)
    gateway.due.add(partial(send_webhooks, gateway))
    gateway.due.add(resolver.catch_up)
    gateway.due.add(partial(run_due_jobs, gateway))
    keys = shelf.data_dir / "idempotency" / "idempotency_keys.json"
    cache = IdempotencyCache(keys, gateway.journal, shelf.clock, gateway.leases)
    kept = partial(
        RotatedFile,
        shelf.data_dir / SAMPLES,
        bytes_max=terms.samples_bytes_max,
        kept=terms.samples_files_kept,
    )
    samples = keep_samples(shelf.metrics, kept, "gateway", terms.metrics_interval_s, shelf.clock.now)
    return resolver.run(), cache.run(), samples


def _contract() -> Any:
    return orjson.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())


def _owner(ids: IdSource) -> str:
    """How this process signs its intents: a person who reads the ledger can find it in the process table."""
    return f"gateway-{os.getpid()}-{ids.new('own')}"


@asynccontextmanager
async def _background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work beside the block, and end it with the block."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
