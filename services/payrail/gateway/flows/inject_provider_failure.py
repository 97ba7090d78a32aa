"""Make a simulated provider fail, on an admin's wish."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request


async def inject_provider_failure(
    gateway: Gateway, request: Request, provider: str, failure: Mapping[str, Any]
) -> Rendered:
    """The rule that is in force from now on. Raises `ProviderRefused` and `ProviderUnreachable`."""

    async def inject(_action: Action) -> Rendered:
        rule = await gateway.provider_controls.inject_failure(provider, failure, request.correlation_id)
        return Rendered(201, dict(rule))

    operation = f"POST /providers/{provider}/inject-failure"
    wish = Wish("inject_provider_failure", operation, provider, dict(failure))
    return await audited(gateway, request, wish, inject)
