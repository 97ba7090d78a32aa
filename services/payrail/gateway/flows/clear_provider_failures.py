"""Make a simulated provider work again."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Gateway


async def clear_provider_failures(gateway: Gateway, provider: str, correlation_id: str) -> Mapping[str, Any]:
    """How many rules were taken away. Raises `ProviderUnreachable`."""
    return await gateway.provider_controls.clear_failures(provider, correlation_id)
