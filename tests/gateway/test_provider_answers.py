"""What a provider answers is taken only as far as it can be kept: all else leaves the outcome unknown."""

import json
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from payrail.gateway.adapters.providers import SdkProviders
from payrail.gateway.domain.outcomes import (
    Answer,
    Approved,
    Contradicted,
    Declined,
    Inquiry,
    NotProcessed,
    Reversed,
    Unknown,
)
from payrail.ledger.payment_events import Decline
from payrail_sdk.provider_sim import AuthenticatedClient
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import AT, Desk, att, pay

pytestmark = pytest.mark.asyncio
CARD_NUMBER = "4242 4242 4242 4242"
_DESK = Desk(MemoryJournal())
_DESK.authorized(pay(1))
PAYMENT = _DESK.begin_capture(pay(1), None)
assert PAYMENT.pending
CAPTURE = PAYMENT.pending.attempt
WHOLE = {
    "reference": CAPTURE.id, "provider": "providerA", "operation": "capture", "status": "approved",
    "provider_status": "succeeded", "provider_reference": "ch_1", "original_reference": None, "amount": 1000,
    "currency": "USD", "decline": None, "fee_amount": 30, "processed": True, "created_at": AT,
}  # fmt: skip
NO = {"code": "generic_decline", "message": "No.", "provider_code": "2"}
PROBLEM = {
    "type": "/problems/no", "title": "No", "status": 422, "detail": "No.", "instance": "/requests/c",
    "code": "amount_too_large", "correlation_id": "c", "processed": False,
}  # fmt: skip


def providers_that_answer(status: int, body: Any) -> SdkProviders:
    """`body` is sent as JSON, unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    wire = httpx.MockTransport(lambda _request: httpx.Response(status, content=content))
    client = AuthenticatedClient("http://provider", "key")
    client.set_async_httpx_client(httpx.AsyncClient(base_url="http://provider", transport=wire))
    return SdkProviders(client)


async def capture(status: int, body: Any) -> Answer:
    return await providers_that_answer(status, body).capture(PAYMENT, CAPTURE, "cor-1")


async def inquire(body: Any) -> Inquiry:
    return await providers_that_answer(200, body).inquire(CAPTURE, "USD", "cor-1")


def without_latency(answer: Any) -> Any:
    return replace(answer, latency_ms=None)


async def test_a_whole_record_is_the_providers_word() -> None:
    assert without_latency(await capture(200, WHOLE)) == Approved("ch_1", 30)
    assert without_latency(await inquire(WHOLE)) == Approved("ch_1", 30)
    declined = {**WHOLE, "status": "declined", "decline": NO}
    assert without_latency(await capture(200, declined)) == Declined(Decline("generic_decline", "No.", "2"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider_reference": None},
        {"provider_reference": 5},
        {"provider_reference": ""},
        {"provider_reference": "x" * 129},
        {"provider_reference": f"ch {CARD_NUMBER}"},
        {"provider_status": None},
        {"fee_amount": "30"},
        {"fee_amount": 30.5},
        {"fee_amount": True},
        {"fee_amount": -1},
        {"fee_amount": 10**30},
        {"reference": att(99)},
        {"provider": "providerB"},
        {"status": "well"},
        {"processed": False},
        {"status": "declined", "decline": {**NO, "code": "whatever"}},
        {"status": "declined", "decline": {**NO, "message": None}},
        {"status": "declined", "decline": {**NO, "provider_code": 2}},
        {"status": "declined", "decline": "no"},
    ],
)
async def test_a_record_that_cannot_be_kept_leaves_the_outcome_unknown(wrong: dict[str, Any]) -> None:
    answer = await capture(200, {**WHOLE, **wrong})
    assert isinstance(answer, Unknown)
    assert answer.code == "unreadable_answer"
    assert await inquire({**WHOLE, **wrong}) == Unknown("inquiry_unavailable")


@pytest.mark.parametrize("wrong", [{"amount": 999}, {"amount": 0}, {"currency": "EUR"}, {"currency": None}])
async def test_a_word_on_another_amount_than_was_asked_for_is_no_word(
    wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for status in ({}, {"status": "declined", "decline": NO}):
        answer = await capture(200, {**WHOLE, **status, **wrong})
        assert without_latency(answer) == Unknown("contradictory_answer")
        assert await inquire({**WHOLE, **status, **wrong}) == Contradicted()
    told = {**WHOLE, **wrong}
    assert caplog.messages[0] == (
        f"providerA tells of {CAPTURE.id} as {told['amount']} {told['currency']}; asked for was 1000 USD"
    )


async def test_what_names_no_amount_when_it_is_asked_for_may_be_answered_with_any() -> None:
    void = replace(CAPTURE, operation="void")
    told = {**WHOLE, "operation": "reverse", "amount": 400, "currency": None}
    assert await providers_that_answer(200, told).inquire(void, "USD", "cor-1") == Approved("ch_1", 30)
    assert await inquire({**told, "status": "reversed"}) == Reversed()


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff", b"[1]", b"[" * 100_000], ids=range(5))
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(body: bytes) -> None:
    assert without_latency(await capture(200, body)) == Unknown("unreadable_answer")
    assert await inquire(body) == Unknown("inquiry_unavailable")


@pytest.mark.parametrize("code", [None, 5, "", "Not a code", CARD_NUMBER, "x" * 65])
async def test_a_problem_without_a_code_leaves_the_outcome_unknown(code: Any) -> None:
    for status in (401, 422, 503):
        answer = await capture(status, {**PROBLEM, "code": code})
        assert isinstance(answer, Unknown)
        assert answer.code == "unreadable_answer"


async def test_a_card_number_in_a_providers_words_is_not_kept() -> None:
    told = {**NO, "message": f"{CARD_NUMBER} was refused", "provider_code": CARD_NUMBER}
    declined = await capture(200, {**WHOLE, "status": "declined", "decline": told})
    refused = await capture(422, {**PROBLEM, "detail": f"not for {CARD_NUMBER}"})
    assert isinstance(declined, Declined)
    assert isinstance(refused, Declined)
    assert declined.decline == Decline("generic_decline", "[card number] was refused", "[card number]")
    assert refused.decline == Decline("amount_too_large", "not for [card number]")


async def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    def never(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer in time")

    client = AuthenticatedClient("http://provider", "key")
    wire = httpx.MockTransport(never)
    client.set_async_httpx_client(httpx.AsyncClient(base_url="http://provider", transport=wire))
    providers = SdkProviders(client)
    assert without_latency(await providers.capture(PAYMENT, CAPTURE, "cor-1")) == Unknown("timeout")
    assert await providers.inquire(CAPTURE, "USD", "cor-1") == Unknown("inquiry_unavailable")


async def test_a_problem_says_whether_anything_was_done() -> None:
    assert without_latency(await capture(503, PROBLEM)) == NotProcessed("amount_too_large")
    for done in (True, "false", None):
        answer = await capture(503, {**PROBLEM, "processed": done})
        assert without_latency(answer) == Unknown("amount_too_large")
