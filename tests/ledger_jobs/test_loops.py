"""The supervised loops: failures stay with their job, runs leave a history, and one process has a job at a time."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from payrail.ledger_jobs import loops as loops_module
from payrail.ledger_jobs.loops import Job, JobElsewhere, Loops, Run, Surroundings, Wish
from payrail.ledger_jobs.runs import Failure, Requester, RunHistory, Started
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource
from payrail.runtime.leases import Leases
from waiting import wait_until

CHILD = Path(__file__).with_name("loop_child.py")
NEVER_S = 3600.0


class Broken(Exception):
    """What a job of these tests raises."""

    code = "broken"
    detail = "It is broken."


def surroundings(data_dir: Path) -> Surroundings:
    clock = FrozenClock()
    ids = IdSource(clock, random.Random(1))
    return Surroundings(
        clock, Leases(data_dir / "run" / "jobs.lock"), RunHistory(data_dir / "jobs" / "runs.jsonl"), ids.new
    )


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return surroundings(tmp_path)


@asynccontextmanager
async def running(jobs: list[Job], around: Surroundings) -> AsyncIterator[Loops]:
    loops = Loops(jobs, around)
    await loops.start()
    try:
        yield loops
    finally:
        await loops.stop()


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition, "what the test waits for")


async def nothing(_run: Run) -> dict[str, Any]:
    return {}


async def break_down(_run: Run) -> dict[str, Any]:
    raise Broken


async def listed(around: Surroundings, **wanted: Any) -> list[dict[str, Any]]:
    filters = {"job": None, "state": None, "limit": 100, "cursor": None, **wanted}
    return list((await around.history.page(**filters))["data"])


async def test_a_loop_that_fails_tries_again_after_growing_pauses_and_stops_no_other(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops_module, "BACKOFF_S_FIRST", 0.001)
    failures_left, done, others = [4], [], []

    async def fail_at_first(_run: Run) -> dict[str, Any]:
        if failures_left[0]:
            failures_left[0] -= 1
            raise Broken
        done.append(1)
        return {"entries": 3}

    async def other(_run: Run) -> dict[str, Any]:
        others.append(1)
        return {}

    jobs = [Job("settlement", NEVER_S, fail_at_first), Job("reconciliation", 0.001, other)]
    async with running(jobs, around) as loops:
        await until(lambda: loops.views()[0]["consecutive_failures"] >= 3 or bool(done))
        await until(lambda: bool(done) and len(others) > 3)
        assert loops.well
        assert loops.views()[0]["status"] == "ok"
        assert loops.views()[0]["last_failure_at"] is not None
    runs = await listed(around, job="settlement")
    assert [run["state"] for run in runs] == ["failed"] * 4
    assert runs[0]["error"] == {"code": "broken", "detail": "It is broken."}
    assert await listed(around, job="reconciliation") == []


async def test_a_loop_that_fails_time_after_time_degrades_the_service(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops_module, "BACKOFF_S_FIRST", 0.0)
    async with running([Job("outbox", NEVER_S, break_down), Job("settlement", 5, nothing)], around) as loops:
        await until(lambda: not loops.well)
        failing, well = loops.views()
        assert (failing["status"], well["status"]) == ("failing", "ok")
        assert failing["consecutive_failures"] >= 3
        assert failing["last_error"]["code"] == "broken"


async def test_a_requested_run_tells_who_asked_and_how_far_it_is(around: Surroundings) -> None:
    half_way, go_on = asyncio.Event(), asyncio.Event()

    async def settle(run: Run) -> dict[str, Any]:
        if run.trigger == "request":
            await run.progress(1, 2)
            half_way.set()
            await go_on.wait()
            await run.progress(2, 2)
        return {"date": run.params.get("date")}

    ann = Requester("m_demo", "ann", "admin")
    async with running([Job("settlement", NEVER_S, settle)], around) as loops:
        wish = Wish("request", {"date": "2025-01-01"}, ann, "order-1")
        asked = asyncio.create_task(loops["settlement"].do(wish))
        await half_way.wait()
        shown = (await listed(around))[0]
        assert (shown["state"], shown["progress"]) == ("running", {"done": 1, "total": 2})
        assert loops.views()[0]["running"]
        go_on.set()
        run = await asked
    shown = around.history.get(run.started.id).view()
    assert (shown["state"], shown["trigger"], shown["correlation_id"]) == ("succeeded", "request", "order-1")
    assert shown["requested_by"] == {"merchant_id": "m_demo", "user_id": "ann", "role": "admin"}
    assert (shown["params"], shown["result"]) == ({"date": "2025-01-01"}, {"date": "2025-01-01"})
    assert shown["progress"] == {"done": 2, "total": 2}


async def test_a_requested_run_that_fails_says_why_and_raises_nothing(around: Surroundings) -> None:
    async def fail_if_asked(run: Run) -> dict[str, Any]:
        return await (break_down(run) if run.trigger == "request" else nothing(run))

    async with running([Job("settlement", NEVER_S, fail_if_asked)], around) as loops:
        run = await loops["settlement"].do(Wish("request"))
    assert run.state == "failed"
    assert run.finished is not None
    assert run.finished.failure == Failure("broken", "It is broken.")


async def test_due_work_of_all_jobs_is_done_though_one_fails(around: Surroundings) -> None:
    triggers: list[str] = []

    async def note(run: Run) -> dict[str, Any]:
        triggers.append(run.trigger)
        return {}

    jobs = [
        Job("settlement", NEVER_S, break_down, first_after_s=NEVER_S),
        Job("outbox", NEVER_S, note, first_after_s=NEVER_S),
    ]
    async with running(jobs, around) as loops:
        assert await loops.due("cor-1") == [
            {"job": "settlement", "outcome": "failed"},
            {"job": "outbox", "outcome": "succeeded"},
        ]
    assert triggers == ["clock"]


async def test_a_nudged_loop_does_not_wait_for_its_interval(around: Surroundings) -> None:
    turns: list[int] = []

    async def count(_run: Run) -> dict[str, Any]:
        turns.append(1)
        return {}

    async with running([Job("outbox", NEVER_S, count)], around) as loops:
        await until(lambda: len(turns) == 1)
        loops["outbox"].nudge()
        await until(lambda: len(turns) == 2)


async def test_runs_are_listed_newest_first_page_by_page(around: Surroundings) -> None:
    async with running([Job("settlement", NEVER_S, nothing)], around) as loops:
        runs = [await loops["settlement"].do(Wish("request", {"n": n})) for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await around.history.page(None, "succeeded", limit=2, cursor=cursor)
        seen += [run["id"] for run in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [run.started.id for run in reversed(runs)]


async def test_what_a_dead_process_left_running_has_failed(around: Surroundings) -> None:
    await around.history.write(Started("run_1", "settlement", "schedule", around.now(), "cor-1"))
    async with running([Job("settlement", NEVER_S, nothing)], around):
        run = around.history.get("run_1").view()
    assert (run["state"], run["error"]["code"]) == ("failed", "interrupted")


async def test_a_job_that_cannot_begin_begins_later(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops_module, "BACKOFF_S_FIRST", 0.001)
    tries: list[int] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        tries.append(1)
        if len(tries) < 3:
            raise Broken
        yield

    async with running([Job("outbox", NEVER_S, nothing, opened=opened)], around) as loops:
        await until(lambda: loops.views()[0]["last_success_at"] is not None)
    assert len(tries) == 3


async def test_of_two_processes_one_has_the_job_and_the_other_takes_it_over_when_it_dies(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    work.touch()
    first = await asyncio.create_subprocess_exec(sys.executable, str(CHILD), str(tmp_path))
    try:
        await until(lambda: bool(work.read_text()))
        around = surroundings(tmp_path)
        ours: list[int] = []

        async def count(_run: Run) -> dict[str, Any]:
            ours.append(1)
            return {}

        async with running([Job("settlement", 0.01, count)], around) as loops:
            before = len(work.read_text())
            await until(lambda: len(work.read_text()) > before + 5)
            assert loops.views()[0]["status"] == "standby"
            with pytest.raises(JobElsewhere):
                await loops["settlement"].do(Wish("request"))
            assert await loops.due("cor-1") == [{"job": "settlement", "outcome": "elsewhere"}]
            assert ours == []
            first.kill()
            await until(lambda: bool(ours))
            assert loops.views()[0]["status"] == "ok"
    finally:
        with contextlib.suppress(ProcessLookupError):
            first.kill()
        await first.wait()
