"""Settled days, through the ledger jobs' generated client."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from payrail.gateway.adapters.day_jobs import ask_jobs, day_of
from payrail.gateway.domain.errors import FutureDay, SettlementNotFound
from payrail.gateway.job_ports import JobsUnavailable
from payrail.runtime.clock import rfc3339
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.api.settlement import (
    export_settlement,
    generate_settlement,
    get_settlement,
    list_settlements,
)
from payrail_sdk.ledger_jobs.models import GenerateSettlementRequest, JobRun, Settlement, SettlementList
from payrail_sdk.ledger_jobs.types import UNSET


class SdkSettlementJobs:
    """`SettlementJobs` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def list(
        self, merchant_id: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        answer = await self._call(
            list_settlements, correlation_id, merchant_id=merchant_id, limit=limit, cursor=cursor or UNSET
        )
        if not isinstance(answer.parsed, SettlementList):
            raise JobsUnavailable
        return answer.parsed.to_dict()

    async def page(
        self, merchant_id: str, date: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        answer = await self._call(
            get_settlement,
            correlation_id,
            day_of(date),
            merchant_id=merchant_id,
            limit=limit,
            cursor=cursor or UNSET,
        )
        if not isinstance(answer.parsed, Settlement):
            raise JobsUnavailable
        day = answer.parsed
        return {**day.to_dict(), "data": [{**row.to_dict(), "at": rfc3339(row.at)} for row in day.data]}

    async def csv(self, merchant_id: str, date: str, correlation_id: str) -> str:
        answer = await self._call(export_settlement, correlation_id, day_of(date), merchant_id=merchant_id)
        if not isinstance(answer.parsed, str):
            raise JobsUnavailable
        return answer.parsed

    async def generate(self, date: str, requester: Mapping[str, str], correlation_id: str) -> None:
        body = GenerateSettlementRequest.from_dict({"requested_by": requester})
        answer = await self._call(generate_settlement, correlation_id, day_of(date), body=body)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise FutureDay(date)
        if not isinstance(answer.parsed, JobRun):
            raise JobsUnavailable

    async def _call(self, operation: Any, correlation_id: str, *path: Any, **given: Any) -> Any:
        answer = await ask_jobs(self._client, operation, correlation_id, *path, **given)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise SettlementNotFound
        return answer
