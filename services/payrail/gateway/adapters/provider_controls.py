"""The simulated providers' controls, through the generated client of the simulator."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar, cast

from payrail.gateway.adapters.providers import ProviderId
from payrail.gateway.ports import ProviderRefused, ProviderUnreachable
from payrail.runtime.client_errors import NO_ANSWER
from payrail.runtime.clock import rfc3339
from payrail_sdk.provider_sim import AuthenticatedClient
from payrail_sdk.provider_sim.api.failures import clear_failures, inject_failure
from payrail_sdk.provider_sim.api.providers import get_provider_state
from payrail_sdk.provider_sim.api.webhooks import deliver_webhooks
from payrail_sdk.provider_sim.models import (
    ClearedFailures,
    FailureRule,
    InjectFailureRequest,
    Problem,
    ProviderState,
    WebhookDelivery,
)

_STATE_TIMEOUT_S = 2.0
Answer = TypeVar("Answer")


class SdkProviderControls:
    """`ProviderControls` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def state(self, provider: str, correlation_id: str) -> Mapping[str, Any] | None:
        try:
            async with asyncio.timeout(_STATE_TIMEOUT_S):
                state = await get_provider_state.asyncio(
                    cast(ProviderId, provider), client=self._client, x_correlation_id=correlation_id
                )
        except (TimeoutError, *NO_ANSWER):
            return None
        if not isinstance(state, ProviderState):
            return None
        return {**state.to_dict(), "failures": [_rule(failure) for failure in state.failures]}

    async def inject_failure(
        self, provider: str, failure: Mapping[str, Any], correlation_id: str
    ) -> Mapping[str, Any]:
        body = InjectFailureRequest.from_dict(failure)
        return _rule(await self._call(inject_failure, FailureRule, provider, correlation_id, body=body))

    async def deliver_webhooks(self, correlation_id: str) -> datetime | None:
        try:
            answer = await deliver_webhooks.asyncio(client=self._client, x_correlation_id=correlation_id)
        except NO_ANSWER:
            raise ProviderUnreachable from None
        if not isinstance(answer, WebhookDelivery):
            raise ProviderUnreachable
        return answer.next_due_at

    async def clear_failures(self, provider: str, correlation_id: str) -> Mapping[str, Any]:
        return (await self._call(clear_failures, ClearedFailures, provider, correlation_id)).to_dict()

    async def _call(
        self, operation: Any, expected: type[Answer], provider: str, correlation_id: str, **body: Any
    ) -> Answer:
        try:
            response = await operation.asyncio_detailed(
                provider, client=self._client, x_correlation_id=correlation_id, **body
            )
        except NO_ANSWER:
            raise ProviderUnreachable from None
        answer = response.parsed
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Problem) and response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            errors = [error.to_dict() for error in answer.errors or ()]
            raise ProviderRefused(answer.code, answer.detail, errors)
        raise ProviderUnreachable


def _rule(failure: FailureRule) -> Mapping[str, Any]:
    """A failure as PayRail writes it: the generated model writes times in another form."""
    return {**failure.to_dict(), "created_at": rfc3339(failure.created_at)}
