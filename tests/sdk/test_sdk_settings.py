"""How clients are set up, and what every request carries."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from contract_answers import created
from misbehaving_server import Script, answer
from sdk_callers import Caller

from payrail.runtime.card_numbers import find_card_number
from payrail_sdk import AsyncPayRail, CardInput, Identity, NewCardMethod, PayRail, TokenMethod, __version__
from payrail_sdk._settings import correlation_id, idempotency_key


def test_request_carries_key_ids_and_the_sdks_name(
    make_caller: Callable[..., Caller], server: Script
) -> None:
    caller = make_caller(api_key="sk_1")
    server.then(answer(201, created()))
    caller(
        lambda client: client.payments.create(
            amount=1234, currency="EUR", payment_method={"token": "tok_1"}, correlation_id="order-1042"
        )
    )
    headers = server.received[0].headers
    assert headers["authorization"] == "Bearer sk_1"
    assert headers["x-correlation-id"] == "order-1042"
    assert headers["user-agent"].startswith(f"payrail-sdk/{__version__} python/")
    assert "x-merchant-id" not in headers


def test_identity_is_asserted_on_every_request(make_caller: Callable[..., Caller], server: Script) -> None:
    caller = make_caller(identity=Identity("m_demo", "approver", "ana"))
    server.then(answer(200, created()))
    caller(lambda client: client.payments.get("pay_1"))
    headers = server.received[0].headers
    assert (headers["x-merchant-id"], headers["x-role"], headers["x-user-id"]) == (
        "m_demo",
        "approver",
        "ana",
    )


def test_key_and_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, server: Script) -> None:
    monkeypatch.setenv("PAYRAIL_API_KEY", "sk_of_environment")
    monkeypatch.setenv("PAYRAIL_BASE_URL", server.base_url + "/")
    server.then(answer(200, created()))
    with PayRail() as payrail:
        payrail.payments.get("pay_1")
    assert server.received[0].path == "/payments/pay_1"
    assert server.received[0].headers["authorization"] == "Bearer sk_of_environment"


def test_missing_key_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYRAIL_API_KEY", raising=False)
    monkeypatch.setenv("MERCHANT_API_KEY", "sk_of_something_else")
    with pytest.raises(ValueError, match="PAYRAIL_API_KEY"):
        PayRail()
    with pytest.raises(ValueError, match="PAYRAIL_API_KEY"):
        AsyncPayRail()


@pytest.mark.parametrize(
    ("api_key", "base_url", "options"),
    [
        ("sk 1", None, {}),
        ("sk_1\r\nX-Role: admin", None, {}),
        ("sk_ä", None, {}),
        ("sk_1", "127.0.0.1:8026", {}),
        ("sk_1", "ftp://127.0.0.1", {}),
        ("sk_1", "http://", {}),
        ("sk_1", "http://someone:secret@127.0.0.1", {}),
        ("sk_1", "http://127.0.0.1?x=1", {}),
        ("sk_1", "http://127.0.0.1:port", {}),
        ("sk_1", "http://127.0.0.1:80260", {}),
        ("sk_1", "http://127.0.0.1:8026\n", {}),
        ("sk_1", " http://127.0.0.1:8026", {}),
        ("sk_1", None, {"timeout_s": 0}),
        ("sk_1", None, {"timeout_s": float("inf")}),
        ("sk_1", None, {"timeout_s": 1e10}),
        ("sk_1", None, {"max_retries": -1}),
        ("sk_1", None, {"identity": Identity("m_demo", "viewer", "ana\n")}),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    api_key: str, base_url: str | None, options: dict[str, object]
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the messages differ
        PayRail(api_key, base_url, **options)  # type: ignore[arg-type]
    assert "sk_" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "with space", "ü", "x" * 256, "a\nb"])
def test_idempotency_key_that_cannot_be_sent_is_refused(key: str, caller: Caller, server: Script) -> None:
    with pytest.raises(ValueError, match="idempotency_key"):
        caller(lambda client: client.payments.cancel("pay_1", idempotency_key=key))
    assert server.received == []


def test_ids_that_the_sdk_makes_are_unique_and_never_look_like_a_card_number() -> None:
    """In one of some 500 names of hexadecimal digits some pass for a card number, which the gateway refuses."""
    made = [make(None) for make in (idempotency_key, correlation_id) for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert all(name.isalpha() and len(name) == 32 for name in made)
    assert not any(find_card_number(name) for name in made)


@pytest.mark.parametrize(
    "method",
    [
        {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}},
        CardInput("4242424242424242", 12, 2031),
        NewCardMethod(CardInput("4242424242424242", 12, 2031)),
    ],
    ids=["mapping", "card", "model"],
)
def test_card_can_be_given_in_each_form(method: object, caller: Caller, server: Script) -> None:
    server.then(answer(201, created()))
    caller(
        lambda client: client.payments.create(
            amount=1234, currency="EUR", payment_method=method, metadata={"channel": "web"}
        )
    )
    assert json.loads(server.received[0].body) == {
        "amount": 1234,
        "currency": "EUR",
        "payment_method": {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}},
        "metadata": {"channel": "web"},
    }


@pytest.mark.parametrize("method", [{"token": "tok_1"}, TokenMethod("tok_1")], ids=["mapping", "model"])
def test_token_can_be_given_in_each_form(method: object, caller: Caller, server: Script) -> None:
    server.then(answer(201, created()))
    caller(lambda client: client.payments.create(amount=1, currency="EUR", payment_method=method))
    assert json.loads(server.received[0].body)["payment_method"] == {"token": "tok_1"}


@pytest.mark.parametrize(
    "method",
    [
        {},
        {"tokn": "tok_1"},
        {"card": {"number": "4242424242424242", "exp_month": 12}},
        {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031, "cvc": "123"}},
        {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}, "token": "tok_1"},
    ],
)
def test_payment_method_of_unknown_shape_is_refused_without_showing_it(
    method: object, caller: Caller, server: Script
) -> None:
    with pytest.raises(TypeError) as caught:
        caller(lambda client: client.payments.create(amount=1, currency="EUR", payment_method=method))
    assert "4242" not in str(caught.value)
    assert server.received == []


def test_capture_says_only_what_is_to_be_said(caller: Caller, server: Script) -> None:
    server.then(*[answer(200, created())] * 3)
    caller(lambda client: client.payments.capture("pay_1"))
    caller(lambda client: client.payments.capture("pay_1", amount=500))
    caller(lambda client: client.payments.capture("pay_1", final=True))
    bodies = [json.loads(request.body) if request.body else None for request in server.received]
    assert bodies == [None, {"amount": 500, "final": False}, {"final": True}]


def test_id_cannot_lead_to_another_path(caller: Caller, server: Script) -> None:
    server.then(answer(200, created()))
    caller(lambda client: client.payments.get("../health?x=/"))
    assert server.received[0].path == "/payments/..%2Fhealth%3Fx%3D%2F"


def test_own_http_client_is_used_and_stays_open(server: Script) -> None:
    """Its own credentials and its wish to follow redirects must not change where the key goes."""
    server.then(answer(200, created()), answer(307, b"", location=server.base_url + "/elsewhere"))
    with httpx.Client(auth=("someone", "else"), follow_redirects=True, headers={"x-mine": "1"}) as http:
        with PayRail("sk_1", server.base_url, http_client=http) as payrail:
            payrail.payments.get("pay_1")
            with pytest.raises(Exception, match="307"):
                payrail.payments.get("pay_1")
        assert not http.is_closed
    assert [request.headers["authorization"] for request in server.received] == ["Bearer sk_1"] * 2
    assert server.received[0].headers["x-mine"] == "1"


def test_own_async_http_client_is_used_and_stays_open(server: Script) -> None:
    server.then(answer(200, created()))

    async def scenario() -> bool:
        async with httpx.AsyncClient() as http:
            async with AsyncPayRail("sk_1", server.base_url, http_client=http) as payrail:
                await payrail.payments.get("pay_1")
            return http.is_closed

    assert asyncio.run(scenario()) is False
