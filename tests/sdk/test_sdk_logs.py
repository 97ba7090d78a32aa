"""What the SDK logs, and what it never does."""

import logging

import pytest
from contract_answers import created
from misbehaving_server import Script, answer, problem, reset
from sdk_callers import Caller

CARD = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}}


def test_answers_and_retries_are_logged_without_key_body_or_query(
    caller: Caller, server: Script, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "payrail_sdk")
    server.then(problem(503, "vault_unavailable"), reset, answer(201, created()))
    server.then(answer(200, {"data": [], "next_cursor": None}))
    caller(
        lambda client: client.payments.create(
            amount=1234, currency="EUR", payment_method=CARD, correlation_id="order-1042"
        )
    )
    caller.items(lambda client: client.payments.list(q="Ada Lovelace"))
    lines = [
        (record.levelname, record.getMessage()) for record in caplog.records if record.name == "payrail_sdk"
    ]
    assert [level for level, _ in lines] == ["DEBUG", "INFO", "INFO", "DEBUG", "DEBUG"]
    assert lines[0][1] == "POST /payments: 503 (correlation id order-1042)"
    assert lines[1][1].startswith(
        "POST /payments: 503 vault_unavailable: It did not work. (correlation id c-1); again in "
    )
    assert lines[3][1] == "POST /payments: 201 (correlation id order-1042)"
    assert lines[4][1].startswith("GET /payments: 200 (correlation id ")
    for secret in ("sk_test", "4242424242424242", "Lovelace", "1234"):
        assert all(secret not in message for _, message in lines)


def test_nothing_is_said_unless_it_is_asked_for(
    caller: Caller, server: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    server.then(problem(503, "vault_unavailable"), answer(200, created()))
    caller(lambda client: client.payments.get("pay_1"))
    assert capfd.readouterr() == ("", "")
