"""The providers' own settlement files, downloaded through the generated client."""

import datetime
from collections.abc import Mapping
from typing import Literal

from payrail.runtime.client_errors import NO_ANSWER
from payrail_sdk.provider_sim import AuthenticatedClient
from payrail_sdk.provider_sim.api.settlement import get_provider_settlement, list_provider_settlements
from payrail_sdk.provider_sim.models import ProviderPaidOut, ProviderSettlementDays

PROVIDERS: tuple[Literal["providerA", "providerB"], ...] = ("providerA", "providerB")

#: By UTC day what a provider says it pays out of it, minor units by currency; none while the day is not over.
PaidDays = Mapping[str, Mapping[str, int] | None]


class ProviderDownloads:
    """What each provider says of a UTC day."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def file(self, provider: str, date: str, correlation_id: str) -> bytes | None:
        """The provider's file of the day as it stands; none where the provider cannot be reached or has none."""
        name = next((known for known in PROVIDERS if known == provider), None)
        if name is None:
            return None
        try:
            answer = await get_provider_settlement.asyncio(
                name,
                client=self._client,
                date=datetime.date.fromisoformat(date),
                x_correlation_id=correlation_id,
            )
        except NO_ANSWER:
            return None
        return answer.encode() if isinstance(answer, str) else None

    async def days(self, correlation_id: str) -> Mapping[str, PaidDays]:
        """The days of which each provider has something to settle; of a provider that cannot be reached, none."""
        return {provider: await self._days(provider, correlation_id) for provider in PROVIDERS}

    async def _days(self, provider: Literal["providerA", "providerB"], correlation_id: str) -> PaidDays:
        try:
            answer = await list_provider_settlements.asyncio(
                provider, client=self._client, x_correlation_id=correlation_id
            )
        except NO_ANSWER:
            return {}
        if not isinstance(answer, ProviderSettlementDays):
            return {}
        return {str(day.date): _amounts(day.paid_out) for day in answer.data}


def _amounts(paid_out: list[ProviderPaidOut] | None) -> Mapping[str, int] | None:
    return None if paid_out is None else {one.currency: one.amount for one in paid_out}
