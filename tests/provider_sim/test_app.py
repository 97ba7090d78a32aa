"""The simulator through its contract: what a caller sees, and what it never sees."""

from pathlib import Path

import pytest
import simulator_client
from simulator_client import ALWAYS_APPROVED, KEYS, Simulator, att, prepare

from payrail.runtime.clock import FrozenClock


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
