"""The endpoints of merchants: `data/outbox/endpoints.json`. Only the process that has the outbox writes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger.events import EVENT_TYPES
from payrail.runtime.keyed_store import KeyedStore

DisabledReason = Literal["gone"]


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """Where a merchant takes webhooks: events after `from_seq` of the ledger, of these types, of all if none are named.

    `from_settings` says that the settings name it; its secret is theirs. One that was deleted stays as a mark, so that
    a request that is repeated does not make it again.
    """

    id: str
    merchant_id: str
    url: str
    created_at: str
    from_seq: int
    event_types: tuple[str, ...] | None = None
    description: str | None = None
    disabled_at: str | None = None
    disabled_reason: DisabledReason | None = None
    deleted_at: str | None = None
    from_settings: bool = False

    @property
    def enabled(self) -> bool:
        """Whether webhooks are sent there."""
        return self.disabled_at is None and self.deleted_at is None

    def wants(self, event_type: str) -> bool:
        """Whether events of the type are sent there."""
        return self.event_types is None or event_type in self.event_types

    def view(self) -> dict[str, Any]:
        """The contract's `WebhookEndpoint`."""
        return {
            "id": self.id,
            "url": self.url,
            "event_types": list(self.event_types or EVENT_TYPES),
            "description": self.description,
            "enabled": self.enabled,
            "disabled_at": self.disabled_at,
            "disabled_reason": self.disabled_reason,
            "created_at": self.created_at,
        }


class EndpointNotFound(Exception):
    """No such endpoint, or another merchant's."""

    code = "not_found"
    detail = "No webhook endpoint with this id."


S = TypeVar("S", bound=Struct)


class Endpoints:
    """All endpoints, deleted ones as marks. Changes raise `LogUnavailable` where they cannot be written."""

    def __init__(self, path: Path) -> None:
        self._store = KeyedStore.open(path, name="outbox.endpoints")
        self._endpoints = {key: msgspec.convert(record, Endpoint) for key, record in self._store.items()}

    def known(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint, though it be deleted."""
        return self._endpoints.get(endpoint_id)

    def find(self, merchant_id: str, endpoint_id: str) -> Endpoint:
        """The merchant's endpoint. Raises `EndpointNotFound`."""
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or endpoint.merchant_id != merchant_id or endpoint.deleted_at is not None:
            raise EndpointNotFound
        return endpoint

    def of(self, merchant_id: str) -> Mapping[str, Endpoint]:
        """The merchant's endpoints by id, oldest first."""
        return {
            endpoint.id: endpoint
            for endpoint in self._endpoints.values()
            if endpoint.merchant_id == merchant_id and endpoint.deleted_at is None
        }

    def enabled(self) -> Sequence[Endpoint]:
        """Every endpoint that webhooks are sent to."""
        return [endpoint for endpoint in self._endpoints.values() if endpoint.enabled]

    def from_settings(self) -> Endpoint | None:
        """The endpoint that the settings name, or named when this ran last."""
        for endpoint in self._endpoints.values():
            if endpoint.from_settings and endpoint.deleted_at is None:
                return endpoint
        return None

    async def put(self, endpoint: Endpoint) -> Endpoint:
        """Keep it as it is now."""
        await self._store.put(endpoint.id, msgspec.to_builtins(endpoint))
        self._endpoints[endpoint.id] = endpoint
        return endpoint

    async def disable(self, endpoint_id: str, reason: DisabledReason, at: str) -> None:
        """Send nothing there any more, and say why."""
        endpoint = self._endpoints[endpoint_id]
        if endpoint.enabled:
            await self.put(replace(endpoint, disabled_at=at, disabled_reason=reason))

    async def close(self) -> None:
        """Release the file."""
        await self._store.close()
