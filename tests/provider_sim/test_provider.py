"""A provider at work: once per reference, durable before the answer, the same bytes from the same seed."""

import asyncio
import errno
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from simulator_client import att

from payrail.provider_sim.errors import (
    OperationNotFound,
    OperationRefused,
    ProviderError,
    RecordsUnavailable,
    ReferenceReused,
)
from payrail.provider_sim.failures import Mode, Rule
from payrail.provider_sim.fate import Card
from payrail.provider_sim.operations import CardOnRecord, Request
from payrail.provider_sim.profiles import PROFILES, Operation, Outcome
from payrail.provider_sim.provider import (
    AFTER_RECORD,
    AFTER_RULE,
    BEFORE_ANSWER,
    BEFORE_INQUIRY,
    BEFORE_RECORD,
    BEFORE_RULE,
    WRITING,
    Provider,
)
from payrail.provider_sim.records import ProviderFileInvalid
from payrail.provider_sim.silence import Silence
from payrail.runtime import faults
from payrail.runtime.append_log import LockHeld
from payrail.runtime.clock import FrozenClock
from waiting import LIMIT_S, until

CARD = Card("4242424242424242", 12, 2031)


class Crash(BaseException):
    """Stands for the end of the process at a fault point."""


def open_provider(
    directory: Path, clock: FrozenClock, *, provider: str = "providerA", seed: int = 42
) -> Provider:
    return Provider.open(PROFILES[provider], directory=directory, seed=seed, clock=clock, silence=Silence())


@pytest.fixture
def provider(tmp_path: Path, clock: FrozenClock) -> Iterator[Provider]:
    opened = open_provider(tmp_path, clock)
    yield opened
    opened.close()


@contextmanager
def crash_at(point: str) -> Iterator[None]:
    def crash() -> None:
        raise Crash

    with faults.armed(point, crash), pytest.raises(Crash):
        yield


def authorization(number: int, amount: int = 1000, **fields: object) -> Request:
    return Request(
        operation=Operation.AUTHORIZE,
        reference=att(number),
        amount=amount,
        currency="EUR",
        merchant_id="m_demo",
        card=CardOnRecord(CARD.number[:6], CARD.number[-4:], CARD.exp_month, CARD.exp_year),
        attempt=1,
        **fields,  # type: ignore[arg-type]
    )


def follow_up(operation: Operation, number: int, original: int, amount: int = 0, **fields: Any) -> Request:
    return Request(
        operation=operation,
        reference=att(number),
        original_reference=att(original),
        amount=amount,
        currency="EUR" if amount else None,
        **fields,
    )


def steps() -> dict[Operation, Request]:
    """A life that uses every writing operation; each step needs those before it."""
    return {
        Operation.AUTHORIZE: authorization(1),
        Operation.CAPTURE: follow_up(Operation.CAPTURE, 2, 1, 600),
        Operation.REFUND: follow_up(Operation.REFUND, 3, 1, 100),
        Operation.REVERSE: follow_up(Operation.REVERSE, 4, 1),
        Operation.DISPUTE: follow_up(Operation.DISPUTE, 5, 1, 300, reason="fraudulent"),
        Operation.EVIDENCE: follow_up(
            Operation.EVIDENCE, 6, 1, dispute_reference=att(5), evidence_kind="receipt", evidence_text="x"
        ),
        Operation.RESOLVE: follow_up(Operation.RESOLVE, 7, 1, dispute_reference=att(5), won=True),
    }


def lines(directory: Path, name: str = "providerA_records.jsonl") -> list[bytes]:
    return (directory / name).read_bytes().splitlines()


async def test_concurrent_calls_with_one_reference_are_processed_once(
    provider: Provider, tmp_path: Path
) -> None:
    views = await asyncio.gather(*(provider.operate(authorization(1), CARD) for _ in range(20)))
    assert len(set(views)) == 1
    assert len(lines(tmp_path)) == 1


async def test_captures_that_race_never_exceed_the_authorization(provider: Provider) -> None:
    await provider.operate(authorization(1), CARD)
    captures = (provider.operate(follow_up(Operation.CAPTURE, 100 + n, 1, 300)) for n in range(10))
    outcomes = await asyncio.gather(*captures, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, OperationRefused)]
    assert len(outcomes) - len(refused) == 3
    assert len(refused) == 7


async def test_a_reversal_that_races_with_its_authorization_leaves_no_hold(
    tmp_path: Path, clock: FrozenClock
) -> None:
    provider = open_provider(tmp_path, clock)
    for n in range(20):
        pair = [(authorization(n), CARD), (follow_up(Operation.REVERSE, 100 + n, n), None)]
        random.Random(n).shuffle(pair)
        await asyncio.gather(*(provider.operate(request, card) for request, card in pair))
        assert (await provider.inquire(att(n))).status is Outcome.REVERSED
    provider.close()


async def test_an_inquiry_never_shows_what_is_not_durable(provider: Provider, tmp_path: Path) -> None:
    await provider.operate(authorization(1), CARD)
    go_on = threading.Event()

    def hold() -> None:
        assert go_on.wait(LIMIT_S)

    with faults.armed("sim.providerA.records.before_sync", hold):
        capture = asyncio.ensure_future(provider.operate(follow_up(Operation.CAPTURE, 2, 1, 600)))
        await until(lambda: provider._book.get(att(2)) is not None)
        inquiry = asyncio.ensure_future(provider.inquire(att(2)))
        for _ in range(20):  # Turns enough for one that would not wait.
            await asyncio.sleep(0)
        assert not inquiry.done()
        go_on.set()
        assert await inquiry == await capture
    assert len(lines(tmp_path)) == 2


async def test_records_and_rules_survive_a_restart(tmp_path: Path, clock: FrozenClock) -> None:
    first = open_provider(tmp_path, clock)
    answers = [await first.operate(request, CARD) for request in steps().values()]
    await first.inject(Rule(id="inj_1", mode=Mode.ERROR, operation=Operation.REFUND, remaining=5))
    with pytest.raises(ProviderError):
        await first.operate(follow_up(Operation.REFUND, 9, 1, 1))
    shown = [await first.inquire(request.reference) for request in steps().values()]
    first.close()

    clock.advance(timedelta(hours=1))
    again = open_provider(tmp_path, clock)
    assert [await again.inquire(request.reference) for request in steps().values()] == shown
    assert [(rule.id, rule.remaining) for rule in again.failures()] == [("inj_1", 4)]
    await again.clear_failures()
    assert [await again.operate(request, CARD) for request in steps().values()] == answers
    assert again.counts() == dict.fromkeys(WRITING, 1)
    again.close()
    assert len(lines(tmp_path)) == len(WRITING)


async def test_a_tombstone_survives_a_restart(tmp_path: Path, clock: FrozenClock) -> None:
    first = open_provider(tmp_path, clock)
    await first.operate(follow_up(Operation.REVERSE, 2, 1))
    first.close()
    again = open_provider(tmp_path, clock)
    assert (await again.operate(authorization(1), CARD)).status is Outcome.DECLINED
    again.close()


@contextmanager
def full_disk() -> Iterator[None]:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with faults.armed("sim.providerA.records.before_sync", refuse):
        yield


@pytest.mark.parametrize("operation", WRITING)
async def test_what_could_not_be_written_was_not_processed(
    provider: Provider, tmp_path: Path, operation: Operation
) -> None:
    life = steps()
    for step in WRITING[: WRITING.index(operation)]:
        await provider.operate(life[step], CARD)
    before = lines(tmp_path)
    with full_disk():
        refused = await asyncio.gather(
            *(provider.operate(life[operation], CARD) for _ in range(3)), return_exceptions=True
        )
    assert {type(refusal) for refusal in refused} == {RecordsUnavailable}
    assert all(
        refusal.extra == {"processed": False}
        for refusal in refused
        if isinstance(refusal, RecordsUnavailable)
    )
    with pytest.raises(OperationNotFound):
        await provider.inquire(att(1 + WRITING.index(operation)))
    assert lines(tmp_path) == before
    await provider.operate(life[operation], CARD)
    assert len(lines(tmp_path)) == len(before) + 1


async def test_a_failure_rule_that_could_not_be_written_is_not_in_force(provider: Provider) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with faults.armed("sim.providerA.failures.before_sync", refuse), pytest.raises(RecordsUnavailable):
        await provider.inject(Rule(id="inj_1", mode=Mode.ERROR))
    assert provider.failures() == []
    await provider.inject(Rule(id="inj_2", mode=Mode.ERROR, remaining=1))
    with faults.armed("sim.providerA.failures.before_sync", refuse), pytest.raises(RecordsUnavailable):
        await provider.operate(authorization(1), CARD)
    with pytest.raises(ProviderError):
        await provider.operate(authorization(1), CARD)
    assert (await provider.operate(authorization(1), CARD)).status is Outcome.APPROVED


async def test_a_caller_that_gives_up_does_not_take_its_operation_back(
    provider: Provider, tmp_path: Path
) -> None:
    call = asyncio.ensure_future(provider.operate(authorization(1), CARD))
    await until(lambda: provider._book.get(att(1)) is not None)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await provider.inquire(att(1))).status is Outcome.APPROVED
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize("operation", WRITING)
@pytest.mark.parametrize(
    ("points", "is_recorded"), [(BEFORE_RECORD, False), (AFTER_RECORD, True), (BEFORE_ANSWER, True)]
)
async def test_a_crash_leaves_an_operation_whole_or_not_at_all(
    tmp_path: Path, clock: FrozenClock, operation: Operation, points: dict[Operation, str], is_recorded: bool
) -> None:
    life = steps()
    first = open_provider(tmp_path, clock)
    for step in WRITING[: WRITING.index(operation)]:
        await first.operate(life[step], CARD)
    with crash_at(points[operation]):
        await first.operate(life[operation], CARD)
    first.close()

    again = open_provider(tmp_path, clock)
    count = WRITING.index(operation) + is_recorded
    assert len(lines(tmp_path)) == count
    await again.operate(life[operation], CARD)
    assert len(lines(tmp_path)) == WRITING.index(operation) + 1
    again.close()


async def test_a_crash_in_an_inquiry_or_at_a_rule_leaves_nothing_half_done(
    tmp_path: Path, clock: FrozenClock
) -> None:
    first = open_provider(tmp_path, clock)
    await first.operate(authorization(1), CARD)
    with crash_at(BEFORE_INQUIRY):
        await first.inquire(att(1))
    with crash_at(BEFORE_RULE):
        await first.inject(Rule(id="inj_1", mode=Mode.ERROR))
    with crash_at(AFTER_RULE):
        await first.inject(Rule(id="inj_2", mode=Mode.ERROR))
    first.close()
    again = open_provider(tmp_path, clock)
    assert [rule.id for rule in again.failures()] == ["inj_2"]
    again.close()


async def run_shuffled(directory: Path, order: int, *, seed: int = 42) -> list[bytes]:
    """A few hundred lives, their steps at once and in an order of their own; the record lines, sorted."""
    rng = random.Random(order)
    provider = open_provider(directory, FrozenClock(), provider="providerB", seed=seed)
    card = Card("4111111111111111", 12, 2031)

    async def life(n: int) -> None:
        request = authorization(n, merchant_reference=f"order-{n}")
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        if (await provider.operate(request, card)).status is Outcome.APPROVED:
            await provider.operate(follow_up(Operation.CAPTURE, 10_000 + n, n, 400))
            await provider.operate(follow_up(Operation.REVERSE, 20_000 + n, n))

    numbers = list(range(300))
    rng.shuffle(numbers)
    await asyncio.gather(*map(life, numbers))
    provider.close()
    return sorted(lines(directory, "providerB_records.jsonl"))


async def test_the_same_seed_gives_the_same_record_bytes_under_any_concurrency(tmp_path: Path) -> None:
    runs = [await run_shuffled(tmp_path / str(order), order) for order in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0]) > 600
    assert await run_shuffled(tmp_path / "other", 0, seed=43) != runs[0]


async def test_a_line_that_is_no_record_refuses_the_start_and_stays(
    tmp_path: Path, clock: FrozenClock
) -> None:
    first = open_provider(tmp_path, clock)
    await first.operate(authorization(1), CARD)
    first.close()
    path = tmp_path / "providerA_records.jsonl"
    damaged = path.read_bytes() + b'{"request":17}\n'
    path.write_bytes(damaged)
    with pytest.raises(ProviderFileInvalid, match="line 2"):
        open_provider(tmp_path, clock)
    assert path.read_bytes() == damaged
    path.write_bytes(damaged.splitlines(keepends=True)[0] * 2)
    with pytest.raises(ProviderFileInvalid, match="twice"):
        open_provider(tmp_path, clock)


async def test_the_files_belong_to_one_process_at_a_time(
    provider: Provider, tmp_path: Path, clock: FrozenClock
) -> None:
    assert provider.counts()[Operation.AUTHORIZE] == 0
    with pytest.raises(LockHeld):
        open_provider(tmp_path, clock)


async def test_a_reference_taken_by_a_call_under_way_cannot_be_used_for_another(provider: Provider) -> None:
    outcomes = await asyncio.gather(
        provider.operate(authorization(1), CARD),
        provider.operate(authorization(1, amount=999), CARD),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, ReferenceReused) for outcome in outcomes) == 1
