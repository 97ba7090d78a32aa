"""How the gateway and the services behind it are."""

from typing import Any

from msgspec.structs import asdict

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.get_health import get_health


async def get_services_health(gateway: Gateway, correlation_id: str) -> dict[str, Any]:
    """`{status, time, data}`: each service asked for now. `ok` as a whole only if all are."""
    own = get_health(gateway)
    reports = [asdict(report) for report in await gateway.services.reports(correlation_id)]
    mine = {"service": own["service"], "status": own["status"], "latency_ms": 0, "version": own["version"]}
    data = [mine, *reports]
    status = "ok" if all(report["status"] == "ok" for report in data) else "degraded"
    return {"status": status, "time": own["time"], "data": data}
