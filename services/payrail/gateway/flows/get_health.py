"""How the gateway is."""

from typing import Any

from payrail.gateway.flows.gateway import Gateway


def get_health(gateway: Gateway) -> dict[str, Any]:
    """The contract's `Health`: `degraded` when the ledger cannot be written, or the newest routing rules cannot be
    taken."""
    sound = gateway.journal.sound and gateway.rules.in_force().fault is None
    status = "ok" if sound else "degraded"
    return {
        "status": status,
        "service": "gateway",
        "version": gateway.version,
        "time": gateway.now(),
    }
