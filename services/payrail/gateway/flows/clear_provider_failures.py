"""Take a simulated provider's failures away, on an admin's wish."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request


async def clear_provider_failures(gateway: Gateway, request: Request, provider: str) -> Rendered:
    """How many there were. Raises `ProviderUnreachable`."""

    async def clear(_action: Action) -> Rendered:
        cleared = await gateway.provider_controls.clear_failures(provider, request.correlation_id)
        return Rendered(200, dict(cleared))

    wish = Wish("clear_provider_failures", f"DELETE /providers/{provider}/failures", provider)
    return await audited(gateway, request, wish, clear)
