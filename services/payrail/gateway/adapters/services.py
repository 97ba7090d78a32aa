"""The health of the services behind the gateway, through their generated clients."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from payrail.gateway.ports import ServiceReport
from payrail.runtime.client_errors import NO_ANSWER
from payrail_sdk.ledger_jobs import AuthenticatedClient as JobsClient
from payrail_sdk.ledger_jobs.api.health import get_health as get_jobs_health
from payrail_sdk.provider_sim import AuthenticatedClient as ProviderClient
from payrail_sdk.provider_sim.api.health import get_health as get_simulator_health
from payrail_sdk.vault import AuthenticatedClient as VaultClient
from payrail_sdk.vault.api.health import get_health as get_vault_health

_TIMEOUT_S = 2.0


class SdkServices:
    """`Services` over the wire. A service that is silent for two seconds is unavailable."""

    def __init__(self, vault: VaultClient, providers: ProviderClient, jobs: JobsClient) -> None:
        self._asked: tuple[tuple[str, Any, Any], ...] = (
            ("vault", get_vault_health, vault),
            ("provider-sim", get_simulator_health, providers),
            ("ledger-jobs", get_jobs_health, jobs),
        )

    async def reports(self, correlation_id: str) -> Sequence[ServiceReport]:
        return await asyncio.gather(
            *(
                _report(service, operation, client, correlation_id)
                for service, operation, client in self._asked
            )
        )


async def _report(service: str, operation: Any, client: Any, correlation_id: str) -> ServiceReport:
    started_s = perf_counter()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            health = await operation.asyncio(client=client, x_correlation_id=correlation_id)
    except (TimeoutError, *NO_ANSWER):
        return ServiceReport(service, "unavailable", None, None)
    latency_ms = round((perf_counter() - started_s) * 1000, 3)
    status = getattr(health, "status", None)
    if status not in ("ok", "degraded"):  # A problem's status is a number.
        return ServiceReport(service, "unavailable", latency_ms, None)
    return ServiceReport(service, status, latency_ms, health.version)
