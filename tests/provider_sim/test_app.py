"""The simulator through its contract: what a caller sees, and what it never sees."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import simulator_client
from simulator_client import ALWAYS_APPROVED, KEYS, Simulator, att

from payrail.provider_sim.magic_cards import LATE_APPROVAL_S, MAGIC_CARDS, REFUND_SETTLES_S, Behaviour
from payrail.provider_sim.silence import Silence
from payrail.runtime.clock import FrozenClock

OPERATIONS = ["authorize", "capture", "refund", "reverse", "inquiry"]
CARD_OF = {magic.behaviour: number for number, magic in MAGIC_CARDS.items()}


async def one_of(sim: Simulator, operation: str) -> tuple[int, dict]:
    """A call of the operation that would succeed; the authorization and capture it needs are reference 1 and 2."""
    if operation == "authorize":
        return await sim.authorize(9)
    if operation == "inquiry":
        return await sim.inquire(1)
    amount = None if operation == "reverse" else 100
    return await sim.follow_up(operation, 9, 1, amount)


async def prepare(sim: Simulator) -> None:
    assert (await sim.authorize(1))[0] == 200
    assert (await sim.follow_up("capture", 2, 1, 500))[0] == 200


async def test_a_life_at_each_provider_in_its_own_words(sim: Simulator) -> None:
    words = {}
    for provider in ("providerA", "providerB"):
        _, authorized = await sim.authorize(1, provider=provider)
        _, captured = await sim.follow_up("capture", 2, 1, 600, provider=provider)
        _, refunded = await sim.follow_up("refund", 3, 1, 100, provider=provider)
        _, reversed_ = await sim.follow_up("reverse", 4, 1, provider=provider)
        answers = [authorized, captured, refunded, reversed_]
        assert [answer["status"] for answer in answers] == ["approved"] * 4
        assert reversed_["amount"] == 400
        assert captured["fee_amount"] > 0
        words[provider] = [answer["provider_status"] for answer in answers]
    assert words["providerA"] == ["requires_capture", "succeeded", "succeeded", "canceled"]
    assert words["providerB"] == ["Authorised", "Captured", "Refunded", "Cancelled"]


@pytest.mark.parametrize(
    ("number", "code", "code_a", "code_b"),
    [
        ("4000000000000002", "generic_decline", "card_declined", "2"),
        ("4000000000009995", "insufficient_funds", "insufficient_funds", "12"),
        ("4000000000009987", "lost_card", "lost_card", "5"),
        ("4000000000009979", "stolen_card", "stolen_card", "31"),
        ("4000000000000069", "expired_card", "expired_card", "6"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc", "24"),
        ("4000000000000119", "processing_error", "processing_error", "4"),
    ],
)
async def test_a_declining_card_is_declined_with_the_code_of_the_provider(
    sim: Simulator, number: str, code: str, code_a: str, code_b: str
) -> None:
    for provider, provider_code in (("providerA", code_a), ("providerB", code_b)):
        status, answer = await sim.authorize(1, provider=provider, card=number)
        assert (status, answer["status"]) == (200, "declined")
        assert (answer["decline"]["code"], answer["decline"]["provider_code"]) == (code, provider_code)
        assert (await sim.inquire(1, provider))[1] == answer
        status, refusal = await sim.follow_up("capture", 2, 1, 1, provider=provider)
        assert (status, refusal["code"], refusal["processed"]) == (409, "original_not_open", False)


async def test_the_same_request_again_gives_the_same_answer_and_another_is_refused(sim: Simulator) -> None:
    await prepare(sim)
    first = await sim.follow_up("refund", 3, 1, 100)
    assert await sim.follow_up("refund", 3, 1, 100) == first
    status, refusal = await sim.follow_up("refund", 3, 1, 101)
    assert (status, refusal["code"], refusal["processed"]) == (409, "reference_reused", False)
    status, refusal = await sim.authorize(1, amount=999)
    assert (status, refusal["code"]) == (409, "reference_reused")


async def test_amounts_and_originals_are_refused_with_their_codes(sim: Simulator) -> None:
    await prepare(sim)
    refusals = {
        "capture": await sim.follow_up("capture", 9, 1, 501),
        "refund": await sim.follow_up("refund", 9, 1, 501),
        "unseen": await sim.follow_up("capture", 9, 77, 1),
        "elsewhere": await sim.follow_up("capture", 9, 1, 1, provider="providerB"),
        "currency": await sim.follow_up("capture", 9, 1, 1, currency="USD"),
    }
    assert {name: (status, body["code"]) for name, (status, body) in refusals.items()} == {
        "capture": (422, "amount_exceeds_original"),
        "refund": (422, "amount_exceeds_original"),
        "unseen": (404, "original_not_found"),
        "elsewhere": (404, "original_not_found"),
        "currency": (422, "validation_failed"),
    }
    assert all(body["processed"] is False for _, body in refusals.values())
    assert (await sim.inquire(9))[0] == 404


async def test_a_reversal_of_an_unseen_reference_is_shown_and_forbids_it_for_ever(sim: Simulator) -> None:
    assert (await sim.inquire(1))[1]["code"] == "operation_not_found"
    status, answer = await sim.follow_up("reverse", 2, 1)
    assert (status, answer["status"], answer["amount"], answer["currency"]) == (200, "approved", 0, None)
    assert (await sim.inquire(1))[1]["status"] == "reversed"
    _, late = await sim.authorize(1)
    assert (late["status"], late["decline"]["code"]) == ("declined", "reversed")
    assert (await sim.inquire(1))[1]["status"] == "reversed"


async def test_a_reversed_authorization_is_shown_as_reversed_but_its_answer_stands(sim: Simulator) -> None:
    first = await sim.authorize(1)
    await sim.follow_up("reverse", 2, 1)
    assert (await sim.inquire(1))[1]["status"] == "reversed"
    assert await sim.authorize(1) == first


# ---- failures on demand -------------------------------------------------------------------------------------------


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
    async with simulator_client.simulator(tmp_path, clock) as sim:
        await sim.inject(mode="timeout")
        call = asyncio.ensure_future(sim.authorize(1))
        await sim.until_silent()
        sim.silence.end()
        async with asyncio.timeout(2):
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


# ---- PayRail's own cards ------------------------------------------------------------------------------------------


async def test_card_whose_approval_is_lost_is_found_by_inquiry(sim: Simulator) -> None:
    call = asyncio.ensure_future(sim.authorize(1, card=CARD_OF[Behaviour.ANSWER_LOST]))
    await sim.until_silent()
    assert (await sim.inquire(1))[1]["status"] == "approved"
    assert (await sim.authorize(1, card=CARD_OF[Behaviour.ANSWER_LOST]))[1]["status"] == "approved"
    assert (await sim.follow_up("capture", 2, 1, 1000))[1]["status"] == "approved"
    sim.silence.end()
    assert (await call)[0] == 503


async def test_card_lost_before_processing_is_taken_by_the_next_provider(sim: Simulator) -> None:
    card = CARD_OF[Behaviour.LOST_BEFORE_PROCESSING]
    call = asyncio.ensure_future(sim.authorize(1, card=card))
    await sim.until_silent()
    assert (await sim.inquire(1))[0] == 404
    assert (await sim.follow_up("reverse", 2, 1))[1]["status"] == "approved"
    assert (await sim.authorize(3, provider="providerB", card=card, attempt=2))[1]["status"] == "approved"
    sim.silence.end()
    assert (await call)[0] == 503
    assert (await sim.inquire(1))[1]["status"] == "reversed"


async def test_card_with_late_approval_is_found_once_it_is_due(sim: Simulator, clock: FrozenClock) -> None:
    card = CARD_OF[Behaviour.LATE_APPROVAL]
    calls = [asyncio.ensure_future(sim.authorize(1, card=card)) for _ in range(2)]
    await sim.until_silent(2)
    clock.advance(timedelta(seconds=LATE_APPROVAL_S - 1))
    assert (await sim.inquire(1))[0] == 404
    clock.advance(timedelta(seconds=1))
    assert (await sim.inquire(1))[1]["status"] == "approved"
    assert (await sim.authorize(1, card=card))[1]["status"] == "approved"
    assert (await sim.follow_up("capture", 2, 1, 1000))[1]["status"] == "approved"
    sim.silence.end()
    assert [status for status, _ in await asyncio.gather(*calls)] == [503, 503]


async def test_a_late_approval_reversed_in_time_never_comes(sim: Simulator, clock: FrozenClock) -> None:
    card = CARD_OF[Behaviour.LATE_APPROVAL]
    call = asyncio.ensure_future(sim.authorize(1, card=card))
    await sim.until_silent()
    assert (await sim.follow_up("reverse", 2, 1))[1]["status"] == "approved"
    clock.advance(timedelta(seconds=LATE_APPROVAL_S))
    assert (await sim.inquire(1))[1]["status"] == "reversed"
    assert (await sim.authorize(1, card=card))[1]["status"] == "reversed"
    sim.silence.end()
    await call


async def test_cards_whose_refunds_change_their_mind(sim: Simulator, clock: FrozenClock) -> None:
    for number, behaviour in (
        (1, Behaviour.REFUND_PENDING_THEN_SUCCEEDS),
        (2, Behaviour.REFUND_SUCCEEDS_THEN_FAILS),
    ):
        await sim.authorize(number, card=CARD_OF[behaviour])
        await sim.follow_up("capture", 10 + number, number, 1000)
    _, pending = await sim.follow_up("refund", 21, 1, 1000)
    _, succeeded = await sim.follow_up("refund", 22, 2, 1000)
    assert (pending["status"], succeeded["status"]) == ("pending", "approved")
    clock.advance(timedelta(seconds=REFUND_SETTLES_S))
    assert (await sim.inquire(21))[1]["status"] == "approved"
    assert (await sim.inquire(22))[1]["status"] == "failed"


# ---- callers, state, secrets --------------------------------------------------------------------------------------


async def test_only_internal_callers_come_in_and_each_only_where_it_belongs(sim: Simulator) -> None:
    body = {"reference": att(2), "original_reference": att(1)}
    assert (await sim.call("POST", "/providers/providerA/reverse", body, caller="jobs"))[0] == 403
    assert (await sim.call("GET", f"/providers/providerA/operations/{att(1)}", caller="jobs"))[0] == 404
    assert (await sim.call("POST", "/providers/providerA/inject-failure", {"mode": "error"}, caller="seed"))[
        0
    ] == 201
    for headers in ({}, {"Authorization": "Bearer nobody-has-this-key"}):
        response = await sim.client.get("/providers/providerA/state", headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"]
    assert (await sim.client.get("/health")).json()["status"] == "ok"


async def test_the_state_counts_operations_and_names_prices_and_failures(sim: Simulator) -> None:
    await prepare(sim)
    _, rule = await sim.inject(mode="error", operation="refund")
    _, state = await sim.call("GET", "/providers/providerA/state")
    assert state == {
        "id": "providerA",
        "profile": "stripe_like",
        "approval_rate": 0.95,
        "fee_fixed_amount": 30,
        "fee_basis_points": 290,
        "operations": {
            "authorize": 1,
            "capture": 1,
            "refund": 0,
            "reverse": 0,
            "dispute": 0,
            "dispute_evidence": 0,
            "dispute_resolve": 0,
        },
        "failures": [rule],
    }
    _, state = await sim.call("GET", "/providers/providerB/state")
    assert (state["profile"], state["approval_rate"]) == ("adyen_like", 0.9)


async def test_no_card_number_cvc_or_key_reaches_a_file_a_log_or_a_problem(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with simulator_client.simulator(tmp_path, clock) as sim:
        answers = [await sim.authorize(1), await sim.authorize(2, card="4000000000000002")]
        answers.append(await sim.authorize(1, amount=2))
        answers.append(await sim.authorize(3, merchant_reference=ALWAYS_APPROVED))
        await sim.inject(mode="error")
        answers.append(await sim.authorize(4))
        assert [status for status, _ in answers] == [200, 200, 409, 422, 503]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    seen = written + sim.log.getvalue() + repr(answers).encode()
    assert att(1).encode() in written
    assert att(1).encode() in sim.log.getvalue()
    for secret in (
        ALWAYS_APPROVED,
        "4000000000000002",
        "cvc",
        '"737"',
        "'737'",
        "Ada Lovelace",
        *KEYS.values(),
    ):
        assert secret.encode() not in seen
