"""Reconciled days, through the ledger jobs' generated client."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from payrail.gateway.adapters.day_jobs import ask_jobs, day_of
from payrail.gateway.domain.errors import BreakTransitionInvalid, FutureDay, ReconciliationNotFound
from payrail.gateway.job_ports import JobsUnavailable
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.api.reconciliation import (
    get_reconciliation,
    list_reconciliations,
    resolve_break,
    run_reconciliation,
)
from payrail_sdk.ledger_jobs.models import (
    Break,
    InternalResolveBreakRequest,
    JobRun,
    Problem,
    Reconciliation,
    ReconciliationList,
    RunReconciliationRequest,
)
from payrail_sdk.ledger_jobs.types import UNSET


class SdkReconciliationJobs:
    """`ReconciliationJobs` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def list(
        self, merchant_id: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        answer = await self._call(
            list_reconciliations, correlation_id, merchant_id=merchant_id, limit=limit, cursor=cursor or UNSET
        )
        return _body(answer, ReconciliationList)

    async def day(
        self, merchant_id: str, date: str, correlation_id: str, wanted: Mapping[str, str], *, limit: int,
        cursor: str | None,
    ) -> Mapping[str, Any]:  # fmt: skip
        answer = await self._call(
            get_reconciliation, correlation_id, day_of(date), merchant_id=merchant_id,
            class_=wanted.get("class", UNSET), state=wanted.get("state", UNSET),
            limit=limit, cursor=cursor or UNSET,
        )  # fmt: skip
        return _body(answer, Reconciliation)

    async def run(self, date: str, requester: Mapping[str, str], correlation_id: str) -> None:
        body = RunReconciliationRequest.from_dict({"requested_by": requester})
        answer = await self._call(run_reconciliation, correlation_id, day_of(date), body=body)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise FutureDay(date)
        _body(answer, JobRun)

    async def resolve_break(
        self, date: str, break_id: str, word: Mapping[str, str], correlation_id: str
    ) -> Mapping[str, Any]:
        body = InternalResolveBreakRequest.from_dict(word)
        answer = await self._call(resolve_break, correlation_id, day_of(date), break_id, body=body)
        if answer.status_code == HTTPStatus.CONFLICT and isinstance(answer.parsed, Problem):
            raise BreakTransitionInvalid(answer.parsed.detail)
        return _body(answer, Break)

    async def _call(self, operation: Any, correlation_id: str, *path: Any, **given: Any) -> Any:
        answer = await ask_jobs(self._client, operation, correlation_id, *path, **given)
        if answer.status_code == HTTPStatus.NOT_FOUND and isinstance(answer.parsed, Problem):
            raise ReconciliationNotFound(answer.parsed.detail)
        return answer


def _body(answer: Any, expected: type) -> Mapping[str, Any]:
    """The answer as it was written, if it is what it should be."""
    if not isinstance(answer.parsed, expected):
        raise JobsUnavailable
    body: Mapping[str, Any] = orjson.loads(answer.content)
    return body
