"""The outbox of the ledger jobs, through their generated client."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson

from payrail.gateway.domain.errors import EventNotFound
from payrail.gateway.job_ports import JobsUnavailable
from payrail.gateway.outbox_port import (
    DeadLetterNotFound,
    EndpointDisabled,
    UrlNotAllowed,
    WebhookEndpointNotFound,
)
from payrail.runtime.client_errors import NO_ANSWER
from payrail.runtime.pages import InvalidCursor
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.api.outbox import (
    create_webhook_endpoint,
    delete_webhook_endpoint,
    enable_webhook_endpoint,
    get_dead_letter,
    get_webhook_endpoint,
    list_dead_letters,
    list_event_deliveries,
    list_webhook_endpoints,
    redeliver_event,
    redrive_dead_letter,
    redrive_dead_letters,
)
from payrail_sdk.ledger_jobs.models import Problem, RegisterWebhookEndpointRequest
from payrail_sdk.ledger_jobs.types import UNSET

_ENDPOINT = {"not_found": WebhookEndpointNotFound}
_EVENT = {"not_found": EventNotFound}
_LETTER = {"not_found": DeadLetterNotFound, "endpoint_disabled": EndpointDisabled}
_PAGE = {"invalid_parameter": InvalidCursor}


class SdkOutbox:
    """`Outbox` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def create_endpoint(self, terms: Mapping[str, Any], correlation_id: str) -> Mapping[str, Any]:
        body = RegisterWebhookEndpointRequest.from_dict(terms)
        refusals = {"url_not_allowed": UrlNotAllowed}
        return await self._call(create_webhook_endpoint, refusals, correlation_id, body=body)

    async def list_endpoints(
        self, merchant_id: str, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        place = {"merchant_id": merchant_id, "limit": limit, "cursor": cursor or UNSET}
        return await self._call(list_webhook_endpoints, _PAGE, correlation_id, **place)

    async def endpoint(self, merchant_id: str, endpoint_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(
            get_webhook_endpoint, _ENDPOINT, correlation_id, endpoint_id=endpoint_id, merchant_id=merchant_id
        )

    async def enable_endpoint(
        self, merchant_id: str, endpoint_id: str, correlation_id: str
    ) -> Mapping[str, Any]:
        return await self._call(
            enable_webhook_endpoint,
            _ENDPOINT,
            correlation_id,
            endpoint_id=endpoint_id,
            merchant_id=merchant_id,
        )

    async def delete_endpoint(self, merchant_id: str, endpoint_id: str, correlation_id: str) -> None:
        await self._call(
            delete_webhook_endpoint,
            _ENDPOINT,
            correlation_id,
            endpoint_id=endpoint_id,
            merchant_id=merchant_id,
        )

    async def redeliver(self, merchant_id: str, event_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(
            redeliver_event, _EVENT, correlation_id, event_id=event_id, merchant_id=merchant_id
        )

    async def deliveries(self, merchant_id: str, event_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(
            list_event_deliveries, _EVENT, correlation_id, event_id=event_id, merchant_id=merchant_id
        )

    async def list_dead_letters(
        self, merchant_id: str, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        place = {"merchant_id": merchant_id, "limit": limit, "cursor": cursor or UNSET}
        return await self._call(list_dead_letters, _PAGE, correlation_id, **place)

    async def dead_letter(self, merchant_id: str, letter_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(
            get_dead_letter, _LETTER, correlation_id, dead_letter_id=letter_id, merchant_id=merchant_id
        )

    async def redrive(self, merchant_id: str, letter_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(
            redrive_dead_letter, _LETTER, correlation_id, dead_letter_id=letter_id, merchant_id=merchant_id
        )

    async def redrive_all(self, merchant_id: str, correlation_id: str) -> Mapping[str, Any]:
        return await self._call(redrive_dead_letters, {}, correlation_id, merchant_id=merchant_id)

    async def _call(
        self,
        operation: Any,
        refusals: Mapping[str, type[Exception]],
        correlation_id: str,
        **arguments: Any,
    ) -> Mapping[str, Any]:
        """The answer, or the refusal that its code stands for."""
        try:
            response = await operation.asyncio_detailed(
                client=self._client, x_correlation_id=correlation_id, **arguments
            )
        except NO_ANSWER:
            raise JobsUnavailable from None
        answer = response.parsed
        if response.status_code == HTTPStatus.NO_CONTENT:
            return {}
        if isinstance(answer, Problem):
            raise refusals.get(answer.code, JobsUnavailable)
        if answer is None:
            raise JobsUnavailable
        # As it came: a model would rewrite its times.
        return cast(Mapping[str, Any], orjson.loads(response.content))
