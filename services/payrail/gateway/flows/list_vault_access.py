"""Who did what with a merchant's tokens."""

from collections.abc import Mapping
from typing import Any

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.ports import AccessFilter


async def list_vault_access(
    gateway: Gateway, wanted: AccessFilter, *, limit: int, cursor: str | None, correlation_id: str
) -> Mapping[str, Any]:
    """A page of the contract's `AccessLogPage`. Raises `InvalidCursor` and `VaultUnavailable`."""
    return await gateway.vault_keys.access_log(
        wanted, limit=limit, cursor=cursor, correlation_id=correlation_id
    )
