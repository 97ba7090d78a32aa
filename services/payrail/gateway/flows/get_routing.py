"""The routing rules in force."""

from typing import Any

from msgspec.structs import asdict

from payrail.gateway.domain.routing import rules_view
from payrail.gateway.flows.gateway import Gateway


def get_routing(gateway: Gateway) -> dict[str, Any]:
    """The rules, where they come from, since when they hold, and what is wrong with a newer file if one is."""
    in_force = gateway.rules.in_force()
    return {
        "source": in_force.source,
        "digest": in_force.rules.digest,
        "loaded_at": in_force.loaded_at,
        "fault": asdict(in_force.fault) if in_force.fault else None,
        **rules_view(in_force.rules),
    }
