"""Failures on demand, through the contract: what is processed, what is answered, and what is neither."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import simulator_client
from simulator_client import Simulator, att, prepare

from payrail.provider_sim.silence import Silence
from payrail.runtime.clock import FrozenClock
from waiting import LIMIT_S

OPERATIONS = ["authorize", "capture", "refund", "reverse", "inquiry"]


async def one_of(sim: Simulator, operation: str) -> tuple[int, dict[str, Any]]:
    """A call of the operation that would succeed, once what it needs is prepared."""
    if operation == "authorize":
        return await sim.authorize(9)
    if operation == "inquiry":
        return await sim.inquire(1)
    amount = None if operation == "reverse" else 100
    return await sim.follow_up(operation, 9, 1, amount)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_error_answers_503_and_processes_nothing(sim: Simulator, operation: str) -> None:
    await prepare(sim)
    await sim.inject(mode="error", remaining=1)
    status, problem = await one_of(sim, operation)
    assert (status, problem["code"], problem["processed"]) == (503, "provider_error", False)
    assert (await sim.inquire(9))[0] == 404
    assert (await one_of(sim, operation))[0] == 200


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_timeout_neither_processes_nor_answers(sim: Simulator, operation: str) -> None:
    await prepare(sim)
    await sim.inject(mode="timeout", operation=operation, remaining=1)
    call = asyncio.ensure_future(one_of(sim, operation))
    await sim.until_silent()
    assert (await sim.inquire(9))[0] == 404
    assert not call.done()
    sim.silence.end()
    status, problem = await call
    assert status == 503
    assert "processed" not in problem
    assert (await sim.inquire(9))[0] == 404


@pytest.mark.parametrize("operation", OPERATIONS[:-1])
async def test_lost_response_processes_durably_and_never_answers(
    sim: Simulator, operation: str, tmp_path: Path
) -> None:
    await prepare(sim)
    await sim.inject(mode="lost_response", operation=operation, remaining=1)
    call = asyncio.ensure_future(one_of(sim, operation))
    await sim.until_silent()
    status, found = await sim.inquire(9)
    assert (status, found["status"]) == (200, "approved")
    assert att(9).encode() in (tmp_path / "providers" / "providerA_records.jsonl").read_bytes()
    assert await one_of(sim, operation) == (200, found)
    assert not call.done()
    sim.silence.end()
    status, problem = await call
    assert status == 503
    assert "processed" not in problem


async def test_a_lost_inquiry_is_not_answered_either(sim: Simulator) -> None:
    await prepare(sim)
    await sim.inject(mode="lost_response")
    call = asyncio.ensure_future(sim.inquire(1))
    await sim.until_silent()
    sim.silence.end()
    assert (await call)[0] == 503


async def test_a_call_without_answer_ends_by_itself_when_its_caller_must_have_given_up(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with simulator_client.simulator(tmp_path, clock, silence=Silence(0.01)) as sim:
        await sim.inject(mode="timeout")
        status, problem = await sim.authorize(1)
        assert (status, problem["code"]) == (503, "provider_error")
        assert "processed" not in problem


async def test_a_stop_lets_unanswered_calls_go(tmp_path: Path, clock: FrozenClock) -> None:
    async with simulator_client.simulator(tmp_path, clock, silence=Silence(10 * LIMIT_S)) as sim:
        await sim.inject(mode="timeout")
        call = asyncio.ensure_future(sim.authorize(1))
        await sim.until_silent()
        sim.silence.end()
        async with asyncio.timeout(LIMIT_S):
            assert (await call)[0] == 503


async def test_latency_delays_and_then_proceeds(sim: Simulator) -> None:
    await sim.inject(mode="latency", latency_ms=30, operation="authorize")
    loop = asyncio.get_running_loop()
    started = loop.time()
    status, answer = await sim.authorize(1)
    assert loop.time() - started >= 0.03
    assert (status, answer["status"]) == (200, "approved")


@pytest.mark.parametrize("operation", OPERATIONS[:-1])
async def test_decline_declines_with_the_given_code(sim: Simulator, operation: str) -> None:
    await prepare(sim)
    await sim.inject(mode="decline", operation=operation, decline_code="insufficient_funds", remaining=1)
    status, answer = await one_of(sim, operation)
    assert (status, answer["status"], answer["decline"]["code"]) == (200, "declined", "insufficient_funds")
    assert await one_of(sim, operation) == (200, answer)
    # What was declined changed nothing: another reference succeeds.
    follow_up = {"capture": 500, "refund": 500, "reverse": None}
    if operation in follow_up:
        assert (await sim.follow_up(operation, 10, 1, follow_up[operation]))[1]["status"] == "approved"


@pytest.mark.parametrize("operation", OPERATIONS[1:-1])
async def test_what_was_declined_as_reversed_is_shown_as_declined(sim: Simulator, operation: str) -> None:
    """Only an authorization is reversed; whatever else a rule declines with that code is a decline."""
    await prepare(sim)
    await sim.inject(mode="decline", operation=operation, decline_code="reversed", remaining=1)
    _, answer = await one_of(sim, operation)
    path = f"/providers/providerA/operations/{answer['reference']}"
    assert await sim.call("GET", path) == (200, answer)
    assert answer["status"] == "declined"


async def test_a_rule_with_last4_follows_the_card_through_its_operations(sim: Simulator) -> None:
    await sim.authorize(1)
    await sim.authorize(2, card="4000000000007726")
    await sim.inject(mode="error", last4="4242")
    assert (await sim.authorize(3))[0] == 503
    assert (await sim.follow_up("capture", 4, 1, 1))[0] == 503
    assert (await sim.inquire(1))[0] == 503
    assert (await sim.follow_up("capture", 5, 2, 1))[0] == 200
    assert (await sim.inquire(5))[0] == 200
    assert (await sim.inquire(99))[0] == 404


async def test_rules_are_listed_oldest_first_used_up_and_cleared(sim: Simulator) -> None:
    status, first = await sim.inject(mode="error", operation="capture", remaining=2)
    assert status == 201
    _, second = await sim.inject(mode="latency", latency_ms=1, rate=0.5)
    assert await sim.call("GET", "/providers/providerA/failures") == (200, {"data": [first, second]})
    assert (await sim.call("GET", "/providers/providerB/failures"))[1] == {"data": []}
    await sim.follow_up("capture", 1, 2, 1)
    rules = (await sim.call("GET", "/providers/providerA/failures"))[1]["data"]
    assert [rule["remaining"] for rule in rules] == [1, None]
    assert await sim.call("DELETE", "/providers/providerA/failures") == (200, {"cleared": 2})
    assert (await sim.call("GET", "/providers/providerA/failures"))[1] == {"data": []}


async def test_a_rule_that_contradicts_itself_is_refused(sim: Simulator) -> None:
    status, problem = await sim.inject(mode="latency")
    assert (status, problem["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in problem["errors"]] == ["/latency_ms"]
    assert (await sim.call("GET", "/providers/providerA/failures"))[1] == {"data": []}


async def test_other_calls_go_on_while_some_are_not_answered(sim: Simulator) -> None:
    await sim.inject(mode="timeout", remaining=3)
    silent = [asyncio.ensure_future(sim.authorize(n)) for n in range(3)]
    await sim.until_silent(3)
    assert (await sim.authorize(10))[0] == 200
    sim.silence.end()
    await asyncio.gather(*silent)
