"""What the gateway needs of the outbox, which sends events to merchants."""

from collections.abc import Mapping
from typing import Any, Protocol

from payrail.gateway.domain.errors import Refusal


class WebhookEndpointNotFound(Refusal):
    """No such endpoint, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No webhook endpoint with this id.")


class DeadLetterNotFound(Refusal):
    """No such dead letter, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No dead letter with this id.")


class EndpointDisabled(Refusal):
    """The endpoint of a dead letter takes nothing any more."""

    code = "endpoint_disabled"

    def __init__(self) -> None:
        super().__init__("The endpoint of this dead letter is disabled; nothing is sent there.")


class UrlNotAllowed(Refusal):
    """In production webhooks go to public addresses only."""

    code = "url_not_allowed"

    def __init__(self) -> None:
        super().__init__("In production webhooks go to public addresses only.")


class Outbox(Protocol):
    """The merchants' webhooks. Everything is of the merchant that is named. Raises `JobsUnavailable`.

    What comes back is as the contract has it.
    """

    async def create_endpoint(self, terms: Mapping[str, Any], correlation_id: str) -> Mapping[str, Any]:
        """A `NewWebhookEndpoint`; the same id again gives the same one. Raises `UrlNotAllowed`."""
        ...

    async def list_endpoints(
        self, merchant_id: str, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        """A `WebhookEndpointList`. Raises `InvalidCursor`."""
        ...

    async def endpoint(self, merchant_id: str, endpoint_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `WebhookEndpoint`. Raises `WebhookEndpointNotFound`."""
        ...

    async def enable_endpoint(
        self, merchant_id: str, endpoint_id: str, correlation_id: str
    ) -> Mapping[str, Any]:
        """A `WebhookEndpoint` that takes events again, from now on. Raises `WebhookEndpointNotFound`."""
        ...

    async def delete_endpoint(self, merchant_id: str, endpoint_id: str, correlation_id: str) -> None:
        """Send nothing there any more. Raises `WebhookEndpointNotFound`."""
        ...

    async def redeliver(self, merchant_id: str, event_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `Redelivery`. Raises `EventNotFound`."""
        ...

    async def deliveries(self, merchant_id: str, event_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `DeliveryList`. Raises `EventNotFound`."""
        ...

    async def list_dead_letters(
        self, merchant_id: str, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        """A `DeadLetterList`. Raises `InvalidCursor`."""
        ...

    async def dead_letter(self, merchant_id: str, letter_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `DeadLetter`. Raises `DeadLetterNotFound`."""
        ...

    async def redrive(self, merchant_id: str, letter_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `DeadLetter`. Raises `DeadLetterNotFound` and `EndpointDisabled`."""
        ...

    async def redrive_all(self, merchant_id: str, correlation_id: str) -> Mapping[str, Any]:
        """A `RedrivenDeadLetters`."""
        ...
