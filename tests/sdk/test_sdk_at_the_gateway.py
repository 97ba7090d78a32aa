"""The SDK and a running stack, over a socket."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sdk_callers import Caller

from payrail_sdk import (
    AmountExceedsAuthorized,
    ApiError,
    AuthenticationError,
    CardError,
    CurrencyUnsupported,
    IdempotencyKeyReused,
    Identity,
    InvalidTransition,
    NotFound,
    PayRail,
    PermissionDenied,
    SensitiveData,
    ValidationFailed,
)
from stack_process import StackProcess

APPROVED, DECLINED = "4242424242424242", "4000000000000002"


@pytest.fixture
def shop(kind: str, gateway: StackProcess) -> Iterator[Caller]:
    caller = Caller(kind, gateway.url(), gateway.merchant_key)
    yield caller
    caller.close()


def create(client: Any, number: str = APPROVED, **more: Any) -> Any:
    card = {"number": number, "exp_month": 12, "exp_year": 2039}
    return client.payments.create(
        **{"amount": 5000, "currency": "EUR", "payment_method": {"card": card}} | more
    )


def test_payment_runs_from_creation_to_its_ledger(shop: Caller) -> None:
    payment = shop(lambda client: create(client, merchant_reference="order-1", metadata={"channel": "web"}))
    assert (payment.state, payment.payment_method.last4) == ("CREATED", "4242")
    payment = shop(lambda client: client.payments.authorize(payment.id, cvc="123"))
    assert (payment.state, payment.amount_authorized) == ("AUTHORIZED", 5000)
    payment = shop(lambda client: client.payments.capture(payment.id, amount=1500))
    assert (payment.state, payment.amount_captured) == ("PARTIALLY_CAPTURED", 1500)
    payment = shop(lambda client: client.payments.capture(payment.id, amount=500, final=True))
    assert (payment.state, payment.amount_captured) == ("CAPTURED", 2000)
    assert shop(lambda client: client.payments.get(payment.id)) == payment
    entries = shop.items(lambda client: client.payments.ledger(payment.id, limit=2))
    assert len(entries) == payment.version
    assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})


def test_automatic_capture_and_cancel(shop: Caller) -> None:
    payment = shop(lambda client: create(client, capture_method="automatic"))
    assert shop(lambda client: client.payments.authorize(payment.id)).state == "CAPTURED"
    with pytest.raises(InvalidTransition, match="CAPTURED"):
        shop(lambda client: client.payments.cancel(payment.id))
    other = shop(create)
    assert shop(lambda client: client.payments.cancel(other.id)).state == "CANCELED"


def test_declined_card_is_a_state_and_not_an_error(shop: Caller) -> None:
    payment = shop(lambda client: create(client, DECLINED))
    payment = shop(lambda client: client.payments.authorize(payment.id))
    assert payment.state == "DECLINED"
    assert payment.decline.code


def test_list_pages_by_itself_and_filters(shop: Caller, kind: str) -> None:
    reference = f"paged-{kind}"
    made = [shop(lambda client: create(client, merchant_reference=reference)).id for _ in range(5)]
    pages = shop.items(lambda client: client.payments.list(merchant_reference=reference, limit=2).pages())
    assert [len(page.data) for page in pages] == [2, 2, 1]
    listed = shop.items(
        lambda client: client.payments.list(merchant_reference=reference, state="CREATED", limit=2)
    )
    assert [payment.id for payment in listed] == made[::-1]
    rest = shop.items(
        lambda client: client.payments.list(
            merchant_reference=reference, limit=2, cursor=pages[0].next_cursor
        )
    )
    assert [payment.id for payment in rest] == made[::-1][2:]


def test_same_key_gives_the_same_payment(shop: Caller, kind: str) -> None:
    key = f"one-order-{kind}"
    first, second = (shop(lambda client: create(client, idempotency_key=key)) for _ in range(2))
    assert first == second
    with pytest.raises(IdempotencyKeyReused) as caught:
        shop(lambda client: create(client, idempotency_key=key, amount=1))
    assert caught.value.idempotency_key == key


REFUSALS: dict[str, tuple[type[ApiError], dict[str, Any]]] = {
    "expired card": (
        CardError,
        {"payment_method": {"card": {"number": APPROVED, "exp_month": 1, "exp_year": 2020}}},
    ),
    "not a card": (
        CardError,
        {"payment_method": {"card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2039}}},
    ),
    "no such currency": (CurrencyUnsupported, {"currency": "XXQ"}),
    "no money": (ValidationFailed, {"amount": 0}),
    "card number in a text": (SensitiveData, {"description": f"card {APPROVED}"}),
    "no such token": (NotFound, {"payment_method": {"token": "tok_00000000000000000000000000"}}),
}


@pytest.mark.parametrize(("kind_of_error", "fields"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal_is_an_error_of_its_type(
    kind_of_error: type[ApiError], fields: dict[str, Any], shop: Caller
) -> None:
    with pytest.raises(kind_of_error) as caught:
        shop(lambda client: create(client, correlation_id="my-call", **fields))
    assert type(caught.value) is kind_of_error
    assert caught.value.correlation_id == "my-call"
    if kind_of_error is ValidationFailed:
        assert [fault.pointer for fault in caught.value.errors] == ["/amount"]


def test_refusal_by_state_amount_or_owner_is_an_error_of_its_type(shop: Caller) -> None:
    payment = shop(create)
    with pytest.raises(InvalidTransition):
        shop(lambda client: client.payments.capture(payment.id))
    shop(lambda client: client.payments.authorize(payment.id))
    with pytest.raises(AmountExceedsAuthorized):
        shop(lambda client: client.payments.capture(payment.id, amount=5001))
    with pytest.raises(NotFound):
        shop(lambda client: client.payments.get("pay_00000000000000000000000000"))


def test_console_acts_for_a_person_and_the_role_decides(kind: str, gateway: StackProcess) -> None:
    viewer = Identity("m_demo", "viewer", "ana")
    caller = Caller(kind, gateway.url(), gateway.console_key, identity=viewer)
    assert isinstance(caller.items(lambda client: client.payments.list(limit=1)), list)
    with pytest.raises(PermissionDenied):
        caller(create)
    caller.close()


def test_wrong_key_is_an_authentication_error(kind: str, gateway: StackProcess) -> None:
    caller = Caller(kind, gateway.url(), "sk_nobody")
    with pytest.raises(AuthenticationError):
        caller(create)
    assert caller(lambda client: client.health()).service == "gateway"
    caller.close()


class LosesAnswers(httpx.HTTPTransport):
    """A line that carries each request and loses the first answers."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses
        self.lost: list[Any] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if len(self.lost) < self.losses:
            self.lost.append(json.loads(response.read()))
            response.close()
            raise httpx.ReadError("lost", request=request)
        return response


@pytest.fixture
def lossy(gateway: StackProcess) -> Iterator[Callable[[int], tuple[PayRail, LosesAnswers]]]:
    opened: list[httpx.Client] = []

    def make(losses: int) -> tuple[PayRail, LosesAnswers]:
        line = LosesAnswers(losses)
        opened.append(httpx.Client(transport=line))
        client = PayRail(gateway.merchant_key, gateway.url(), http_client=opened[-1])
        client._sender.sleep = lambda _seconds: None
        return client, line

    yield make
    for http in opened:
        http.close()


def test_lost_answers_never_make_a_second_payment_or_capture(
    lossy: Callable[[int], tuple[PayRail, LosesAnswers]],
) -> None:
    client, line = lossy(2)
    payment = create(client, merchant_reference="lost-answers")
    assert [lost["id"] for lost in line.lost] == [payment.id] * 2
    assert len(list(client.payments.list(merchant_reference="lost-answers"))) == 1
    client.payments.authorize(payment.id)
    line.lost.clear()
    assert client.payments.capture(payment.id, amount=2000).amount_captured == 2000
    assert client.payments.get(payment.id).amount_captured == 2000


def test_answer_that_stayed_lost_can_be_had_by_the_key_on_the_error(
    lossy: Callable[[int], tuple[PayRail, LosesAnswers]],
) -> None:
    client, line = lossy(3)
    with pytest.raises(Exception, match="broke before the answer was whole") as caught:
        create(client)
    key = caught.value.idempotency_key  # type: ignore[attr-defined]
    assert create(client, idempotency_key=key).id == line.lost[0]["id"]
