"""The gateway put together: the ports made real, the handlers bound to the contract."""

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

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
from payrail_sdk.ledger_jobs import AuthenticatedClient as JobsClient
from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient
from payrail_sdk.vault import AuthenticatedClient as VaultClient

SAMPLES = Path("metrics", "service_metrics.jsonl")


def build(
    *,
    data_dir: Path,
    clock: SystemClock | FrozenClock,
    journals: JournalOpener,
    movable_clock: bool,
    merchant_key: str,
    console_key: str,
    webhook_secrets: Mapping[str, Sequence[str]],
    vault: VaultClient,
    providers: ProviderClient,
    jobs: JobsClient,
    resolver_interval_s: float,
    breaker: BreakerPolicy,
    routing_rules: Path | None,
    metrics_interval_s: float,
    log: LogWriter | None = None,
) -> ContractApp:
    """The gateway over `data_dir`. Its ledger is open from the start of the app's lifespan to the end.

    Several processes may run one on the same directory. The clients carry the gateway's internal key.
    Raises `MerchantsInvalid`, and `RoutingRulesInvalid` where the file `routing_rules` cannot be taken; without one
    the packaged rules hold.
    """
    handlers = Handlers()
    ids = IdSource(clock, random.Random(secrets.randbits(256)))  # noqa: S311 - ids are names, not secrets
    merchants = MerchantsFile(data_dir / "merchants" / "merchants.json", merchant_key)
    directory = Directory(merchants, console_key)
    rules = RoutingRulesFile(routing_rules, clock, providers=PROVIDERS)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        journal = await journals.open()
        leases = Leases(data_dir / "run" / "leases.lock")
        breakers = FileBreakers(data_dir / "providers", breaker, clock, leases, providers=PROVIDERS)
        guarded = GuardedProviders(SdkProviders(providers), breakers, metrics.observe_call)
        customers = CustomersFile(data_dir / "customers" / "customers.json")
        unmatched = UnmatchedLog(data_dir / "webhooks" / "unmatched.jsonl")
        trail, due = ActionLog(data_dir / "audit" / "actions.jsonl"), DueWork()
        gateway = Gateway(
            journal, SdkVault(vault), guarded, clock, leases, ids.new, _owner(ids), version("payrail"),
            rules, breakers, SdkProviderControls(providers), SdkServices(vault, providers, jobs), metrics,
            trail, ClockMover(clock, movable=movable_clock), due, SdkVaultKeys(vault), customers,
            SignedNotices(webhook_secrets), unmatched, merchants, SdkJobs(jobs), SdkSettlementJobs(jobs),
            SdkReconciliationJobs(jobs),
            SdkOutbox(jobs),
        )  # fmt: skip
        metrics.show(lambda: gauges(gateway))
        handlers.gateway = gateway
        samples = keep_samples(metrics, data_dir / SAMPLES, "gateway", metrics_interval_s, clock.now)
        cache = IdempotencyCache(data_dir / "idempotency" / "idempotency_keys.json", journal, clock, leases)
        resolver = Resolver(gateway, resolver_interval_s)
        due.add(partial(send_webhooks, gateway))
        due.add(resolver.catch_up)
        due.add(partial(run_due_jobs, gateway))
        try:
            async with _background(resolver.run(), cache.run(), samples):
                yield
        finally:
            await journals.close()
            customers.close()
            unmatched.close()
            trail.close()
            leases.close()

    return build_contract_app(
        service="gateway",
        contract=_contract(),
        handlers=handlers.table(),
        authenticate={"MerchantKey": directory.authenticate},
        errors=PROBLEMS,
        lifespan=lifespan,
        log=log,
        observe=metrics.observe_request,
    )


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
