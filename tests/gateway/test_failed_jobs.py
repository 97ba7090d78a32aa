"""What the ledger jobs say of a job that did not come off reaches whoever asked for it."""

from typing import Any

import httpx
import pytest

from payrail.gateway.adapters.reconciliation_jobs import SdkReconciliationJobs
from payrail.gateway.adapters.settlement_jobs import SdkSettlementJobs
from payrail.gateway.job_ports import JobFailed, JobsUnavailable
from payrail_sdk.ledger_jobs import AuthenticatedClient

DATE = "2026-03-02"
ASKER = {"merchant_id": "m_demo", "user_id": "ada", "role": "admin"}
PROBLEM = {
    "type": "/problems/job_failed", "title": "The job failed", "status": 503, "code": "job_failed",
    "detail": "The job failed (provider_file_invalid): line 3: 4242 4242 4242 4242 is no amount.",
    "instance": "/requests/cor-1", "correlation_id": "cor-1",
}  # fmt: skip


def jobs_that_answer(problem: dict[str, Any]) -> list[Any]:
    """What has a day settled, and what has one reconciled, by jobs that answer so."""
    wire = httpx.MockTransport(lambda _request: httpx.Response(503, json=problem))
    client = AuthenticatedClient("http://jobs", "key")
    client.set_async_httpx_client(httpx.AsyncClient(base_url="http://jobs", transport=wire))
    return [SdkSettlementJobs(client).generate, SdkReconciliationJobs(client).run]


async def test_a_failed_job_is_told_in_its_own_words_but_for_card_numbers() -> None:
    for ask in jobs_that_answer(PROBLEM):
        with pytest.raises(JobFailed) as failed:
            await ask(DATE, ASKER, "cor-1")
        assert (
            failed.value.detail
            == "The job failed (provider_file_invalid): line 3: [card number] is no amount."
        )


async def test_jobs_that_do_not_answer_for_a_job_are_not_available() -> None:
    for ask in jobs_that_answer({**PROBLEM, "code": "job_elsewhere"}):
        with pytest.raises(JobsUnavailable):
            await ask(DATE, ASKER, "cor-1")
