"""The breakers' file, and the gate before the providers that shares it among processes."""

import asyncio
import json
import multiprocessing
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest

from payrail.gateway.adapters.breakers import BreakerFile, FileBreakers
from payrail.gateway.adapters.guarded_providers import GuardedProviders
from payrail.gateway.domain.breaker import BreakerPolicy
from payrail.gateway.domain.outcomes import (
    Answer,
    Approved,
    Declined,
    Inquiry,
    NotFound,
    NotProcessed,
    Unknown,
)
from payrail.gateway.ports import CardDetails, Providers
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened, Decline
from payrail.runtime.clock import FrozenClock, SystemClock
from payrail.runtime.leases import Leases
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, att, pay
from waiting import LIMIT_S

T0 = datetime(2025, 1, 1, tzinfo=UTC)
POLICY = BreakerPolicy(failure_threshold=5, open_s=30, half_open_probes=2)
CARD = CardDetails("4242424242424242", 12, 2039)


class ScriptedProviders:
    """Answers what it is told to; calls wait at a gate if there is one."""

    def __init__(self) -> None:
        self.says: Answer = Approved("pi_1")
        self.calls: list[str] = []
        self.gate: asyncio.Event | None = None
        self._rung = asyncio.Condition()

    async def called(self, times: int) -> None:
        """Return when so many calls have come in."""
        async with self._rung:
            await self._rung.wait_for(lambda: len(self.calls) >= times)

    async def authorize(self, _payment: Payment, attempt: AttemptOpened, *_: Any) -> Answer:
        return await self._answer(attempt)

    async def capture(self, _payment: Payment, attempt: AttemptOpened, _correlation_id: str) -> Answer:
        return await self._answer(attempt)

    async def reverse(self, _payment: Payment, attempt: AttemptOpened, *_: Any) -> Answer:
        return await self._answer(attempt)

    async def inquire(self, attempt: AttemptOpened, _currency: str, _correlation_id: str) -> Inquiry:
        self.calls.append(attempt.id)
        return NotFound()

    async def _answer(self, attempt: AttemptOpened) -> Answer:
        async with self._rung:
            self.calls.append(attempt.id)
            self._rung.notify_all()
        if self.gate is not None:
            await self.gate.wait()
        return self.says


class Worker:
    """One gateway process as far as breakers go."""

    def __init__(self, directory: Path, clock: FrozenClock, leases: Leases) -> None:
        self.wire = ScriptedProviders()
        self.breakers = FileBreakers(directory, POLICY, clock, leases, providers=("providerA", "providerB"))
        self.providers = GuardedProviders(cast(Providers, self.wire), self.breakers, lambda *_: None)
        self._next = 0

    async def authorize(self, answer: Answer | None = None, attempt_id: str | None = None) -> Answer:
        if answer is not None:
            self.wire.says = answer
        self._next += 1
        attempt = AttemptOpened(attempt_id or att(self._next), "authorize", "providerA", "test", 1000)
        return await self.providers.authorize(PAYMENT, attempt, CARD, None, "cor-1")

    def state(self) -> str:
        return self.breakers.states()["providerA"].state


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(T0)


@pytest.fixture
def leases(tmp_path: Path) -> Iterator[Leases]:
    opened = Leases(tmp_path / "run" / "leases.lock")
    yield opened
    opened.close()


@pytest.fixture
def new_worker(tmp_path: Path, clock: FrozenClock, leases: Leases) -> Callable[[], Worker]:
    return lambda: Worker(tmp_path / "providers", clock, leases)


PAYMENT = Desk(MemoryJournal()).authorized(pay(1))
DECLINED = Declined(Decline("generic_decline", "no"))


async def test_declines_never_open_it(new_worker: Callable[[], Worker]) -> None:
    worker = new_worker()
    for _ in range(100):
        assert await worker.authorize(DECLINED) == DECLINED
    assert worker.state() == "CLOSED"
    assert worker.breakers.states()["providerA"].history == ()


@pytest.mark.parametrize("answer", [NotProcessed("provider_error"), Unknown("timeout")])
async def test_technical_failures_open_it_at_the_configured_call_on_all_workers_at_once(
    new_worker: Callable[[], Worker], answer: Answer
) -> None:
    one, two = new_worker(), new_worker()
    for worker in (one, two, one, two):
        await worker.authorize(answer)
    assert (one.state(), two.state()) == ("CLOSED", "CLOSED")
    await one.authorize(answer)
    assert (one.state(), two.state()) == ("OPEN", "OPEN")
    assert await two.authorize(Approved("pi_1")) == NotProcessed("breaker_open")
    assert len(one.wire.calls) + len(two.wire.calls) == 5
    assert two.breakers.states()["providerB"].state == "CLOSED"


async def test_a_decline_ends_a_row_of_failures(new_worker: Callable[[], Worker]) -> None:
    worker = new_worker()
    for answer in [Unknown("timeout")] * 4 + [DECLINED] + [Unknown("timeout")] * 4:
        await worker.authorize(answer)
    assert worker.state() == "CLOSED"


async def test_a_success_with_nothing_to_forget_writes_nothing(
    new_worker: Callable[[], Worker], tmp_path: Path
) -> None:
    worker = new_worker()
    path = tmp_path / "providers" / "providerA_state.json"
    before = path.stat()
    await worker.authorize(Approved("pi_1"))
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_half_open_lets_exactly_the_configured_probes_through(
    new_worker: Callable[[], Worker], clock: FrozenClock
) -> None:
    workers = [new_worker(), new_worker()]
    for _ in range(5):
        await workers[0].authorize(Unknown("timeout"))
    clock.advance(timedelta(seconds=30))
    gate = asyncio.Event()
    for worker in workers:
        worker.wire.gate, worker.wire.calls = gate, []
        worker.wire.says = Approved("pi_1")
    calls = [asyncio.create_task(workers[number % 2].authorize()) for number in range(50)]
    others = len(calls) - POLICY.half_open_probes
    async with asyncio.timeout(LIMIT_S):
        refused = [await answer for answer in islice(asyncio.as_completed(calls), others)]
    assert set(refused) == {NotProcessed("breaker_open")}
    assert sum(len(worker.wire.calls) for worker in workers) == POLICY.half_open_probes
    assert sum(not call.done() for call in calls) == POLICY.half_open_probes
    gate.set()
    await asyncio.gather(*calls)
    assert workers[1].state() == "CLOSED"


async def test_a_failed_probe_opens_it_again_and_the_other_probes_word_comes_too_late(
    new_worker: Callable[[], Worker], clock: FrozenClock
) -> None:
    one, two = new_worker(), new_worker()
    for _ in range(5):
        await one.authorize(Unknown("timeout"))
    clock.advance(timedelta(seconds=30))
    two.wire.gate = asyncio.Event()
    slow = asyncio.create_task(two.authorize(Approved("pi_1")))
    await two.wire.called(1)
    await one.authorize(NotProcessed("provider_error"))
    assert one.state() == "OPEN"
    two.wire.gate.set()
    assert await slow == Approved("pi_1")
    assert two.state() == "OPEN"
    assert await two.authorize() == NotProcessed("breaker_open")


async def test_a_probe_that_is_cancelled_gives_its_place_back(
    new_worker: Callable[[], Worker], clock: FrozenClock
) -> None:
    worker = new_worker()
    for _ in range(5):
        await worker.authorize(Unknown("timeout"))
    clock.advance(timedelta(seconds=30))
    worker.wire.gate = asyncio.Event()
    probes = [asyncio.create_task(worker.authorize()) for _ in range(2)]
    await worker.wire.called(7)
    assert await worker.authorize() == NotProcessed("breaker_open")
    probes[0].cancel()
    await asyncio.gather(*probes[:1], return_exceptions=True)
    worker.wire.gate.set()
    assert await worker.authorize(Approved("pi_1")) == Approved("pi_1")
    await probes[1]


async def test_a_reserved_probe_is_the_attempts_own_until_it_is_used_or_given_back(
    new_worker: Callable[[], Worker], clock: FrozenClock
) -> None:
    worker = new_worker()
    for _ in range(5):
        await worker.authorize(Unknown("timeout"))
    assert worker.breakers.survey(att(90))["providerA"] == "open"
    clock.advance(timedelta(seconds=30))
    said = [worker.breakers.survey(att(number))["providerA"] for number in (91, 92, 93)]
    assert said == ["probe", "probe", "probes_taken"]
    assert await worker.authorize(Approved("pi_1"), att(93)) == NotProcessed("breaker_open")
    worker.breakers.forget(att(92))
    assert worker.breakers.survey(att(94))["providerA"] == "probe"
    assert await worker.authorize(Approved("pi_1"), att(91)) == Approved("pi_1")
    assert worker.state() == "CLOSED"


async def test_it_survives_a_restart_with_its_history(
    new_worker: Callable[[], Worker], clock: FrozenClock
) -> None:
    before = new_worker()
    for _ in range(5):
        await before.authorize(Unknown("timeout"))
    after = new_worker()
    assert after.breakers.states() == before.breakers.states()
    assert await after.authorize() == NotProcessed("breaker_open")
    clock.advance(timedelta(seconds=30))
    await after.authorize(Approved("pi_1"))
    changes = [
        (change.before, change.after) for change in new_worker().breakers.states()["providerA"].history
    ]
    assert changes == [("CLOSED", "OPEN"), ("OPEN", "HALF_OPEN"), ("HALF_OPEN", "CLOSED")]


async def test_inquiries_reversals_and_repetitions_pass_an_open_breaker_and_do_not_count(
    new_worker: Callable[[], Worker],
) -> None:
    worker = new_worker()
    for _ in range(5):
        await worker.authorize(Unknown("timeout"))
    stands = worker.breakers.states()
    reversal = AttemptOpened(att(50), "reversal", "providerA", "test", 1000)
    assert await worker.providers.inquire(reversal, "USD", "cor-1") == NotFound()
    assert await worker.providers.reverse(PAYMENT, reversal, att(1), "cor-1") == Unknown("timeout")
    capture = AttemptOpened(att(51), "capture", "providerA", "test", 1000)
    assert await worker.providers.capture(PAYMENT, capture, "cor-1") == NotProcessed("breaker_open")
    void = AttemptOpened(att(52), "void", "providerA", "test", 1000)
    assert await worker.providers.reverse(PAYMENT, void, att(1), "cor-1") == NotProcessed("breaker_open")
    desk = Desk(MemoryJournal())
    desk.authorized(pay(2))
    desk.begin_capture(pay(2), None)
    lost = desk.record_operation(pay(2), Unknown("timeout"))
    assert await worker.providers.capture(lost, capture, "cor-1") == Unknown("timeout")
    assert worker.breakers.states() == stands


async def test_its_file_is_there_from_the_start_and_a_later_start_leaves_it_as_it_is(
    new_worker: Callable[[], Worker], tmp_path: Path
) -> None:
    worker = new_worker()
    path = tmp_path / "providers" / "providerA_state.json"
    assert json.loads(path.read_text())["state"] == "CLOSED"
    for _ in range(5):
        await worker.authorize(Unknown("timeout"))
    opened = path.read_bytes()
    assert new_worker().state() == "OPEN"
    assert path.read_bytes() == opened


async def test_a_file_that_cannot_be_read_starts_closed_and_one_that_cannot_be_written_loses_no_answer(
    new_worker: Callable[[], Worker], tmp_path: Path
) -> None:
    worker = new_worker()
    path = tmp_path / "providers" / "providerA_state.json"
    path.write_text("{torn")
    assert worker.state() == "CLOSED"
    path.unlink()
    path.mkdir()  # Nothing can be put in its place, whoever runs the test.
    for _ in range(5):
        assert await worker.authorize(Unknown("timeout")) == Unknown("timeout")
    assert worker.state() == "OPEN", "this process knows, if nobody else can"


# ---- several processes ----------------------------------------------------------------------------------------------


def _fail_many(path: Path, times: int, seed: int) -> None:
    file = BreakerFile(path, BreakerPolicy(1_000_000, 30, 2), SystemClock(None))
    rng = random.Random(seed)
    for _ in range(times):
        file.failed(0, "timeout")
        if rng.random() < 0.1:
            file.current()


def test_no_failure_is_lost_among_processes(tmp_path: Path) -> None:
    path = tmp_path / "providerA_state.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fail_many, args=(path, 200, seed)) for seed in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    watcher = BreakerFile(path, POLICY, SystemClock(None))
    assert watcher.current().consecutive_failures == 600


def _hold_probe(directory: Path, leases_path: Path, told: Any) -> None:
    clock = FrozenClock(T0 + timedelta(seconds=30))
    breakers = FileBreakers(directory, POLICY, clock, Leases(leases_path), providers=("providerA",))
    told.send([breakers.survey(att(number))["providerA"] for number in (1, 2, 3)])
    told.recv()  # Until it is killed.


async def test_a_probe_whose_process_dies_gives_its_place_back(
    new_worker: Callable[[], Worker], clock: FrozenClock, tmp_path: Path
) -> None:
    worker = new_worker()
    for _ in range(5):
        await worker.authorize(Unknown("timeout"))
    clock.advance(timedelta(seconds=30))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    other = context.Process(
        target=_hold_probe, args=(tmp_path / "providers", tmp_path / "run" / "leases.lock", theirs)
    )
    other.start()
    theirs.close()  # Its own end tells when the other one dies.
    assert ours.recv() == ["probe", "probe", "probes_taken"]
    assert await worker.authorize(Approved("pi_1")) == NotProcessed("breaker_open")
    other.kill()
    other.join()
    assert await worker.authorize(Approved("pi_1")) == Approved("pi_1")
