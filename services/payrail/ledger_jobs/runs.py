"""Runs of the jobs and their history: `data/jobs/runs.jsonl`, which every process of a data directory writes.

A run is a line when it begins, lines while it gets on, and a line when it ends. One that a process left without an end
when it died is ended by whoever gets the job next.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from payrail.runtime.pages import newest_first
from payrail.runtime.shared_log import SharedLog

JobName = Literal["outbox", "settlement", "reconciliation"]
JobState = Literal["running", "succeeded", "failed"]
Trigger = Literal["schedule", "request", "clock"]


class Requester(Struct, frozen=True):
    """Who asked for a run: a user of a merchant, with a role."""

    merchant_id: str
    user_id: str
    role: str


class Failure(Struct, frozen=True):
    """Why a run failed: a stable code, and words for a person."""

    code: str
    detail: str


INTERRUPTED = Failure("interrupted", "The process of this run ended before it did.")


class Progress(Struct, frozen=True):
    """How much is done, out of how much if that is known."""

    done: int
    total: int | None = None


class Started(Struct, frozen=True, tag_field="phase", tag="started", omit_defaults=True):
    """A run began, at once for all that it is asked to do (`params`)."""

    id: str
    job: JobName
    trigger: Trigger
    at: str
    correlation_id: str
    params: dict[str, Any] = {}
    requested_by: Requester | None = None


class Progressed(Struct, frozen=True, tag_field="phase", tag="progressed"):
    """A run got on."""

    id: str
    progress: Progress


class Finished(Struct, frozen=True, tag_field="phase", tag="finished", omit_defaults=True):
    """A run ended: well, with what came of it, or with a failure."""

    id: str
    at: str
    result: dict[str, Any] | None = None
    failure: Failure | None = None


class JobRun(Struct, frozen=True):
    """A run as it stands."""

    started: Started
    progress: Progress | None = None
    finished: Finished | None = None

    @property
    def state(self) -> JobState:
        """Where it is."""
        if self.finished is None:
            return "running"
        return "succeeded" if self.finished.failure is None else "failed"

    def view(self) -> dict[str, Any]:
        """The contract's `JobRun`."""
        started, finished = self.started, self.finished
        return {
            "id": started.id,
            "job": started.job,
            "state": self.state,
            "trigger": started.trigger,
            "requested_by": msgspec.to_builtins(started.requested_by),
            "correlation_id": started.correlation_id,
            "params": started.params,
            "started_at": started.at,
            "finished_at": finished.at if finished else None,
            "progress": msgspec.to_builtins(self.progress),
            "result": finished.result if finished and finished.failure is None else None,
            "error": msgspec.to_builtins(finished.failure) if finished else None,
        }


class RunNotFound(Exception):
    """There is no run with this id."""

    code = "not_found"
    detail = "No run with this id."


_decode = msgspec.json.Decoder(Started | Progressed | Finished).decode


class RunHistory:
    """Every run that left a trace, from any process."""

    def __init__(self, path: Path) -> None:
        """Open or make the file."""
        self._runs: dict[str, JobRun] = {}
        self._log = SharedLog(path, lambda _offset, line: self._fold(_decode(line)), name="jobs.runs")

    async def write(self, line: Started | Progressed | Finished) -> None:
        """Write a line down. Raises `LogUnavailable`."""
        await self._log.append(lambda: msgspec.json.encode(line))

    async def end_interrupted(self, job: JobName, at: str) -> None:
        """End what a dead process left running. Only for the process that has the job now."""
        self._log.refresh()
        for run in list(self._runs.values()):
            if run.started.job == job and run.state == "running":
                await self.write(Finished(run.started.id, at, failure=INTERRUPTED))

    def get(self, run_id: str) -> JobRun:
        """The run with this id. Raises `RunNotFound`."""
        self._log.refresh()
        run = self._runs.get(run_id)
        if run is None:
            raise RunNotFound
        return run

    async def page(
        self, job: JobName | None, state: JobState | None, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        """`{data, next_cursor}`, newest first. Raises `InvalidCursor`."""
        self._log.refresh()

        def wanted(run: JobRun) -> bool:
            return job in (None, run.started.job) and state in (None, run.state)

        runs = dict(self._runs)
        found, next_cursor = await newest_first(
            list(runs), runs.__getitem__, wanted, limit=limit, cursor=cursor
        )
        return {"data": [run.view() for run in found], "next_cursor": next_cursor}

    def close(self) -> None:
        """Release the file."""
        self._log.close()

    def _fold(self, line: Started | Progressed | Finished) -> None:
        if isinstance(line, Started):
            self._runs[line.id] = JobRun(line)
        elif isinstance(line, Progressed):
            self._runs[line.id] = replace(self._runs[line.id], progress=line.progress)
        elif self._runs[line.id].finished is None:
            self._runs[line.id] = replace(self._runs[line.id], finished=line)
