"""The supervised loops: each job runs in one of its own, one process of a data directory at a time.

A job is its name, its interval and a function that does all that is due. What it raises is logged, counted and tried
again after growing pauses; no other loop notices. Whichever process first takes a job's lease has the job until that
process ends; the others stand by.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from payrail.ledger_jobs.runs import (
    Failure,
    Finished,
    JobName,
    JobRun,
    Progress,
    Progressed,
    Requester,
    RunHistory,
    Started,
    Trigger,
)
from payrail.runtime.clock import Clock, rfc3339_of_ms
from payrail.runtime.leases import Leases
from payrail.runtime.waking import woken_within

FAILURES_UNTIL_DEGRADED = 3
BACKOFF_S_FIRST = 1.0
BACKOFF_S_MAX = 60.0
_STANDBY_S_MAX = 1.0
_PROGRESS_EVERY_S = 1.0

logger = logging.getLogger(__name__)


class Wish(Struct, frozen=True):
    """What a run is for: `params` is empty for all that is due."""

    trigger: Trigger = "schedule"
    params: dict[str, Any] = {}
    requested_by: Requester | None = None
    correlation_id: str = ""


class Surroundings(Struct, frozen=True):
    """What all loops of a process share."""

    clock: Clock
    leases: Leases
    history: RunHistory
    new_id: Callable[[str], str]

    def now(self) -> str:
        """The time on the stack's clock: RFC 3339 UTC with milliseconds."""
        return rfc3339_of_ms(self.clock.now_ms())


class Run:
    """A run under way, as its job sees it."""

    def __init__(self, job: JobName, wish: Wish, around: Surroundings) -> None:
        run_id = around.new_id("run")
        self.started = Started(
            run_id, job, wish.trigger, around.now(), wish.correlation_id or run_id, wish.params, wish.requested_by
        )  # fmt: skip
        self._around = around
        self._progress: Progress | None = None
        self._next_note_s = 0.0
        self._noted = False

    @property
    def id(self) -> str:
        return self.started.id

    @property
    def trigger(self) -> Trigger:
        return self.started.trigger

    @property
    def params(self) -> Mapping[str, Any]:
        return self.started.params

    @property
    def correlation_id(self) -> str:
        """What the entries and calls of this run carry: the id of the request that asked for it, or the run's own."""
        return self.started.correlation_id

    @property
    def requested_by(self) -> Requester | None:
        return self.started.requested_by

    async def begin(self) -> None:
        """Note the run in the history. A scheduled run calls it when it finds something to do; a requested one is
        noted already."""
        if not self._noted:
            self._noted = True
            await self._around.history.write(self.started)

    async def progress(self, done: int, total: int | None = None) -> None:
        """Say how far it is; noted at most once a second, so that it may be called as often as one likes."""
        await self.begin()
        self._progress = Progress(done, total)
        if time.monotonic() >= self._next_note_s:
            self._next_note_s = time.monotonic() + _PROGRESS_EVERY_S
            await self._around.history.write(Progressed(self.id, self._progress))

    async def end(self, result: Mapping[str, Any] | None, failure: Failure | None = None) -> JobRun:
        """Note how it ended; one that did nothing and did not fail leaves no trace."""
        finished = Finished(
            self.id, self._around.now(), dict(result) if result is not None else None, failure
        )
        if failure is not None:
            await self.begin()
        if self._noted:
            if self._progress is not None:
                await self._around.history.write(Progressed(self.id, self._progress))
            await self._around.history.write(finished)
        return JobRun(self.started, self._progress, finished)


#: Does all that is due, or what `run.params` asks for; what it returns is the run's result.
Work = Callable[[Run], Awaitable[Mapping[str, Any]]]


class Job(Struct, frozen=True):
    """A job to run in a loop. `opened` holds what it needs for as long as this process has the job.

    `gather_s` is how long a nudged loop waits, so that one run does for all that comes at once.
    """

    name: JobName
    interval_s: float
    work: Work
    first_after_s: float = 0.0
    opened: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
    backlog: Callable[[], int | None] = lambda: None
    gather_s: float = 0.0


class JobElsewhere(Exception):
    """Another process of the data directory has the job; this one cannot run it."""

    code = "job_elsewhere"
    detail = "Another instance of the ledger jobs has this job."
    headers: ClassVar = {"Retry-After": "1"}


class JobFailed(Exception):
    """What somebody asked a job for did not come off; the history says why, and asking again is safe."""

    code = "job_failed"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.detail = f"The job failed ({failure.code}): {failure.detail}"


class Loop:
    """Runs one job until it is stopped."""

    def __init__(self, job: Job, around: Surroundings) -> None:
        self.job = job
        self._around = around
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._opened = AsyncExitStack()
        self._has_job = False
        self._running = False
        self._failures = 0
        self._last_success_at: str | None = None
        self._last_failure_at: str | None = None
        self._last_failure: Failure | None = None
        self._expected_by_s = time.monotonic() + job.first_after_s + job.interval_s

    # ---- the loop -------------------------------------------------------------------------------------------------

    async def take(self) -> bool:
        """Take the job if no other process has it; whether this one has it now. Raises what `opened` raises."""
        if not self._has_job and self._around.leases.acquire(self.job.name):
            try:
                await self._around.history.end_interrupted(self.job.name, self._around.now())
                await self._opened.enter_async_context(self.job.opened())
            except BaseException:
                self._around.leases.release(self.job.name)
                raise
            self._has_job = True
            self._expected_by_s = time.monotonic() + self.job.first_after_s + self.job.interval_s
        return self._has_job

    async def run(self) -> None:
        """Run the job in its interval until cancelled. Nothing that it raises ends the loop."""
        await woken_within(self._wake, self.job.first_after_s)
        while True:
            self._wake.clear()
            if not await self.try_take():
                await asyncio.sleep(self._backoff_s() or min(self.job.interval_s, _STANDBY_S_MAX))
                continue
            await self.do(Wish())
            if self._failures:
                await asyncio.sleep(self._backoff_s())
                continue
            if await woken_within(self._wake, self.job.interval_s):
                await asyncio.sleep(self.job.gather_s)

    def nudge(self) -> None:
        """There is something to do: do not wait for the interval to pass."""
        self._wake.set()

    async def stop(self) -> None:
        """Give the job back. The loop must have been cancelled."""
        if self._has_job:
            self._has_job = False
            await self._opened.aclose()
            self._around.leases.release(self.job.name)

    # ---- one run --------------------------------------------------------------------------------------------------

    async def do(self, wish: Wish) -> JobRun:
        """One run, when the one before it has ended; how it ended. Raises `JobElsewhere`, and nothing of the job's."""
        if not self._has_job:
            raise JobElsewhere
        async with self._turn:
            run = Run(self.job.name, wish, self._around)
            self._running = True
            try:
                if wish.trigger == "request":
                    await run.begin()
                result = await self.job.work(run)
                ended = await run.end(result)
            except Exception as error:  # the boundary of a job: its loop goes on
                logger.exception("job %s failed", self.job.name)
                return await self._failed(run, error)
            finally:
                self._running = False
            self._failures = 0
            self._last_success_at = self._around.now()
            self._expected_by_s = time.monotonic() + self.job.interval_s
            return ended

    async def _failed(self, run: Run, error: Exception) -> JobRun:
        failure = self._note_failure(error)
        try:
            return await run.end(None, failure)
        except Exception:  # the history's disk may be what failed
            logger.exception("the failure of job %s was not written down", self.job.name)
            finished = Finished(run.id, self._around.now(), failure=failure)
            return JobRun(run.started, None, finished)

    async def try_take(self) -> bool:
        """As `take`; what it raises is logged, and the loop tries again later."""
        try:
            return await self.take()
        except Exception as error:  # the boundary of a job: its loop goes on
            logger.exception("job %s cannot begin", self.job.name)
            self._note_failure(error)
            return False

    def _note_failure(self, error: Exception) -> Failure:
        self._failures += 1
        self._last_failure_at = self._around.now()
        code = str(getattr(error, "code", "internal_error"))
        detail = str(getattr(error, "detail", "Something went wrong; the log tells what."))
        self._last_failure = Failure(code, detail)
        return self._last_failure

    def _backoff_s(self) -> float:
        return min(BACKOFF_S_FIRST * 2 ** (self._failures - 1), BACKOFF_S_MAX) if self._failures else 0.0

    # ---- how it is ------------------------------------------------------------------------------------------------

    @property
    def failing_for_good(self) -> bool:
        """Whether it failed so often in a row that somebody should look."""
        return self._failures >= FAILURES_UNTIL_DEGRADED

    def view(self) -> dict[str, Any]:
        """The contract's `JobLoop`."""
        status = "failing" if self._failures else "ok" if self._has_job else "standby"
        overdue_s = time.monotonic() - self._expected_by_s
        return {
            "job": self.job.name,
            "status": status,
            "running": self._running,
            "last_success_at": self._last_success_at,
            "last_failure_at": self._last_failure_at,
            "consecutive_failures": self._failures,
            "last_error": msgspec.to_builtins(self._last_failure) if self._failures else None,
            "lag_s": max(0.0, round(overdue_s, 3)) if self._has_job else 0.0,
            "backlog": self.job.backlog() if self._has_job else None,
        }


class Loops:
    """All loops of a process, in the order in which their due work is done."""

    def __init__(self, jobs: Sequence[Job], around: Surroundings) -> None:
        self._loops = {job.name: Loop(job, around) for job in jobs}
        self._tasks: list[asyncio.Task[None]] = []

    def __getitem__(self, job: JobName) -> Loop:
        return self._loops[job]

    async def start(self) -> None:
        """Take the jobs that are free, and run the loops beside the caller."""
        for loop in self._loops.values():
            await loop.try_take()
            self._tasks.append(asyncio.create_task(loop.run(), name=f"job {loop.job.name}"))

    async def stop(self) -> None:
        """End the loops and give the jobs back. A run under way is cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for loop in self._loops.values():
            await loop.stop()

    async def done(self, job: JobName, wish: Wish) -> JobRun:
        """Have a job do what somebody asks for. Raises `JobElsewhere`, and `JobFailed` when it did not come off."""
        run = await self._loops[job].do(wish)
        if run.finished is not None and run.finished.failure is not None:
            raise JobFailed(run.finished.failure)
        return run

    async def due(self, correlation_id: str) -> list[dict[str, str]]:
        """Do all work that is due, one job after the other: the contract's `DueJob`s."""
        outcomes = []
        for name, loop in self._loops.items():
            try:
                outcome: str = (await loop.do(Wish("clock", correlation_id=correlation_id))).state
            except JobElsewhere:
                outcome = "elsewhere"
            outcomes.append({"job": name, "outcome": outcome})
        return outcomes

    @property
    def well(self) -> bool:
        """Whether no loop fails time after time."""
        return not any(loop.failing_for_good for loop in self._loops.values())

    def views(self) -> list[dict[str, Any]]:
        """How each is: the contract's `JobLoop`s."""
        return [loop.view() for loop in self._loops.values()]
