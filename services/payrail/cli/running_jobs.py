"""The ledger jobs of a running stack, asked by a command."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

import click
import httpx

from payrail.cli.progress import Bar
from payrail.runtime.settings import Settings
from payrail_sdk.ledger_jobs import AuthenticatedClient
from payrail_sdk.ledger_jobs.api.jobs import list_jobs
from payrail_sdk.ledger_jobs.models import JobRun, JobRunList, Problem
from payrail_sdk.ledger_jobs.models.job_name import JobName

_TIMEOUT_S = 600.0
_POLL_S = 0.5


class RunningJobs:
    """Has the service that listens at the settings' address do what a command is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.ledger_jobs_url
        self._client = AuthenticatedClient(
            base_url=settings.ledger_jobs_url,
            token=settings.internal_api_key_jobs,
            timeout=httpx.Timeout(_TIMEOUT_S),
        )

    def do(
        self, job: JobName, ask: Callable[[AuthenticatedClient], JobRun | Problem | None], bar: Bar
    ) -> Any:
        """The run that came of it, as the contract's `JobRun`. Raises `ClickException` with what the service says."""
        with ThreadPoolExecutor(1) as waiting:
            asked = waiting.submit(ask, self._client)
            while not wait([asked], timeout=_POLL_S).done:
                self._draw(job, bar)
            try:
                answer = asked.result()
            except httpx.HTTPError as error:
                raise click.ClickException(f"the ledger jobs at {self._url} do not answer: {error}") from None
        if not isinstance(answer, JobRun):
            raise click.ClickException(answer.detail if answer and answer.detail else "the job failed")
        return answer.to_dict()

    def _draw(self, job: JobName, bar: Bar) -> None:
        try:
            runs = list_jobs.sync(client=self._client, job=job, state="running")
        except httpx.HTTPError:
            return  # The answer that is waited for will tell.
        if isinstance(runs, JobRunList) and runs.data and runs.data[0].progress is not None:
            progress = runs.data[0].progress
            bar.draw(progress.done, progress.total or 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.get_httpx_client().close()
