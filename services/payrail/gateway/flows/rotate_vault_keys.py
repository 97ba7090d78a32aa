"""Change the vault's encryption key, on an admin's wish."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request

OPERATION = "POST /vault/rotate-keys"


async def rotate_vault_keys(gateway: Gateway, request: Request, mode: str) -> Rendered:
    """`now` waits until every card is encrypted anew, `background` does not.

    Raises `RotationInProgress`, `CardUnreadable` and `VaultUnavailable`.
    """

    async def rotate(_action: Action) -> Rendered:
        done, rotation = await gateway.vault_keys.rotate_keys(mode, request.correlation_id)
        return Rendered(200 if done else 202, dict(rotation))

    wish = Wish("rotate_vault_keys", OPERATION, "vault", {"mode": mode})
    return await audited(gateway, request, wish, rotate)
