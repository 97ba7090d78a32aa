"""The ledger jobs, through their generated client."""

from datetime import datetime

from payrail.gateway.job_ports import JobsUnavailable
from payrail.runtime.client_errors import NO_ANSWER
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.api.jobs import run_due_jobs
from payrail_sdk.ledger_jobs.models import DueJobs


class SdkJobs:
    """`Jobs` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def run_due(self, correlation_id: str) -> datetime | None:
        try:
            answer = await run_due_jobs.asyncio(client=self._client, x_correlation_id=correlation_id)
        except NO_ANSWER:
            raise JobsUnavailable from None
        if not isinstance(answer, DueJobs):
            raise JobsUnavailable
        return answer.next_due_at
