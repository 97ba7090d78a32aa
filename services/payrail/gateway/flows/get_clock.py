"""What time it is for all services."""

from typing import Any

from payrail.gateway.flows.gateway import Gateway


def get_clock(gateway: Gateway) -> dict[str, Any]:
    """The contract's `Clock`."""
    return {"now": gateway.now(), "offset_s": round(gateway.clock_control.offset_s(), 3)}
