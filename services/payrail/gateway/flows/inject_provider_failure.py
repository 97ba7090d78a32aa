"""Make a simulated provider fail, on an admin's wish."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Gateway


async def inject_provider_failure(
    gateway: Gateway, provider: str, failure: Mapping[str, Any], correlation_id: str
) -> Mapping[str, Any]:
    """The rule that is in force from now on. Raises `ProviderRefused` and `ProviderUnreachable`."""
    return await gateway.provider_controls.inject_failure(provider, failure, correlation_id)
