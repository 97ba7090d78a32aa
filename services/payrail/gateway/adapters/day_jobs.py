"""What the adapters of the jobs over a day share: how the jobs are asked, and what their refusals mean."""

import datetime
from http import HTTPStatus
from typing import Any

from payrail.gateway.job_ports import JobFailed, JobsUnavailable
from payrail.runtime.card_numbers import mask_card_numbers
from payrail.runtime.client_errors import NO_ANSWER
from payrail.runtime.pages import InvalidCursor
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.models import Problem

_JOB_FAILED = "job_failed"


async def ask_jobs(
    client: AuthenticatedClient, operation: Any, correlation_id: str, *path: Any, **given: Any
) -> Any:
    """The answer of a generated operation. Raises `JobsUnavailable`, `JobFailed` and `InvalidCursor`."""
    try:
        answer = await operation.asyncio_detailed(
            *path, client=client, x_correlation_id=correlation_id, **given
        )
    except NO_ANSWER:
        raise JobsUnavailable from None
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        raise InvalidCursor
    if isinstance(answer.parsed, Problem) and answer.parsed.code == _JOB_FAILED:
        # A provider's own file may be quoted in it.
        raise JobFailed(mask_card_numbers(str(answer.parsed.detail)))
    return answer


def day_of(date: str) -> datetime.date:
    """A day as the generated client takes it."""
    return datetime.date.fromisoformat(date)
