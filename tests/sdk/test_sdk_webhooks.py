"""Whether a webhook is PayRail's: our verification beside the reference library's, and what each refusal is."""

import base64
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
from contract_answers import CONTRACT, created

from payrail_sdk import (
    Payment,
    PayRail,
    PayRailError,
    WebhookError,
    WebhookHeadersInvalid,
    WebhookSignatureInvalid,
    WebhookTimestampRefused,
    WebhookUnreadable,
    webhooks,
)

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes now").decode()
OTHER = "whsec_" + base64.b64encode(b"another one of 24 bytes.").decode()
SENT_S = 1_772_442_601
EVENT = {
    "id": "evt_01JZ8Q4T5XGGGGGGGGGGGGGGGN",
    "type": "payment.created",
    "created_at": "2026-03-02T09:10:01.000Z",
    "merchant_id": "m_demo",
    "correlation_id": "order-1042",
    "data": created(),
}
BODY = json.dumps(EVENT).encode()


def signed(body: bytes = BODY, secret: str = SECRET, sent_s: int = SENT_S) -> dict[str, str]:
    return webhooks.sign(body, secret, webhook_id="evt_1", sent_s=sent_s)


def verify(body: bytes | str, headers: Mapping[str, str], secret: Any = SECRET, **more: Any) -> Any:
    return webhooks.verify(body, headers, secret, **{"now_s": SENT_S + 1.5} | more)


def test_event_comes_typed() -> None:
    event = verify(BODY, signed())
    assert (event.id, event.type, event.merchant_id) == (EVENT["id"], "payment.created", "m_demo")
    assert (event.correlation_id, event.created_at) == (
        "order-1042",
        datetime(2026, 3, 2, 9, 10, 1, tzinfo=UTC),
    )
    assert isinstance(event.about, Payment)
    assert event.about.amount == EVENT["data"]["amount"]
    assert event.data == EVENT["data"]


def test_reference_library_takes_what_is_signed_here_and_the_other_way_round() -> None:
    now_s = int(time.time())
    assert standardwebhooks.Webhook(SECRET).verify(BODY, signed(sent_s=now_s)) == EVENT
    moment = datetime.fromtimestamp(now_s, UTC)
    signature = standardwebhooks.Webhook(SECRET).sign("evt_1", moment, BODY.decode())
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now_s), "webhook-signature": signature}
    assert webhooks.verify(BODY, headers, SECRET).id == EVENT["id"]
    assert PayRail("sk_test").webhooks.verify(BODY, headers, SECRET).id == EVENT["id"]


def test_the_specifications_example_is_taken() -> None:
    """From its section on signing; the body is no event, which shows that all before was in order."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    with pytest.raises(WebhookUnreadable):
        webhooks.verify(
            b'{"test": 2432232314}', headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now_s=1614265330
        )


def test_text_is_taken_as_its_bytes_and_header_names_in_any_case() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    assert verify(BODY.decode(), headers).id == EVENT["id"]


def test_any_of_several_secrets_and_of_several_signatures_is_enough() -> None:
    new = signed(secret=OTHER)
    assert verify(BODY, new, [SECRET, OTHER]).id == EVENT["id"]
    old = signed()["webhook-signature"]
    both = new | {"webhook-signature": f"v1a,unknown {old} {new['webhook-signature']}"}
    for secret in (SECRET, OTHER):
        assert verify(BODY, both, secret).id == EVENT["id"]


@pytest.mark.parametrize(
    "change",
    [
        lambda body, headers: (body + b" ", headers),
        lambda body, headers: (body, headers | {"webhook-id": "evt_2"}),
        lambda body, headers: (body, headers | {"webhook-timestamp": str(SENT_S + 1)}),
        lambda body, headers: (body, headers | {"webhook-signature": "v1,"}),
        lambda body, headers: (body, headers | {"webhook-signature": headers["webhook-signature"][3:]}),
        lambda body, headers: (
            body,
            headers | {"webhook-signature": "v2" + headers["webhook-signature"][2:]},
        ),
        lambda body, headers: (body, headers | {"webhook-signature": "v1,ünlesbar"}),
        lambda body, headers: (body, headers | {"webhook-signature": "v1,\udc80", "webhook-id": "\udc80"}),
        lambda body, headers: (body, signed(secret=OTHER)),
    ],
    ids=[
        "body",
        "id",
        "time",
        "empty",
        "no version",
        "other version",
        "not base64",
        "not text",
        "other secret",
    ],
)
def test_what_was_changed_or_signed_by_another_is_refused(change: Any) -> None:
    body, headers = change(BODY, signed())
    with pytest.raises(WebhookSignatureInvalid):
        verify(body, headers)


@pytest.mark.parametrize(("now_s", "fits"), [(-301, False), (-300, True), (300, True), (300.5, False)])
def test_time_must_lie_within_the_tolerance(now_s: float, fits: bool) -> None:
    if fits:
        assert verify(BODY, signed(), now_s=SENT_S + now_s)
    else:
        with pytest.raises(WebhookTimestampRefused, match="too old" if now_s > 0 else "future"):
            verify(BODY, signed(), now_s=SENT_S + now_s)


def test_tolerance_can_be_another_one() -> None:
    assert verify(BODY, signed(), now_s=SENT_S + 3600, tolerance_s=7200)
    with pytest.raises(WebhookTimestampRefused):
        verify(BODY, signed(), now_s=SENT_S + 10, tolerance_s=5)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_missing_header_is_its_own_error(missing: str) -> None:
    headers = signed()
    del headers[missing]
    with pytest.raises(WebhookHeadersInvalid):
        verify(BODY, headers)


@pytest.mark.parametrize("timestamp", ["yesterday", "-1", "1.5", "¹²³", "9" * 5000, "1e9"])
def test_time_that_is_no_number_is_its_own_error(timestamp: str) -> None:
    with pytest.raises(WebhookHeadersInvalid):
        verify(BODY, signed() | {"webhook-timestamp": timestamp})


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"1", b"{}", json.dumps(EVENT | {"data": None}).encode(), b"[" * 100_000]
    + [json.dumps(EVENT | {"created_at": value}).encode() for value in ("soon", None, 5)]
    + [json.dumps(EVENT | {"id": 5}).encode()],
    ids=range(11),
)
def test_body_that_is_no_event_is_its_own_error(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        verify(body, signed(body))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "sk_dev", []])
def test_secret_that_is_none_is_said_without_showing_it(secret: Any) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        verify(BODY, signed(), secret)
    assert "sk_dev" not in str(caught.value)
    assert not isinstance(caught.value, WebhookError)


def test_refusal_carries_the_correlation_id_that_came_with_it() -> None:
    for given, shown in (("order-1042", "order-1042"), ("two words", ""), ("x" * 129, "")):
        with pytest.raises(PayRailError) as caught:
            verify(b"", signed() | {"X-Correlation-Id": given})
        assert caught.value.correlation_id == shown
        assert str(caught.value) == "No signature fits" + (f" (correlation id {shown})" if shown else "")


def test_type_that_is_newer_than_the_sdk_is_taken() -> None:
    body = json.dumps(EVENT | {"type": "payout.paid", "data": {"id": "pyt_1"}}).encode()
    event = verify(body, signed(body))
    assert (event.type, event.about, event.data) == ("payout.paid", None, {"id": "pyt_1"})


def test_data_of_an_unknown_shape_fails_only_when_it_is_asked_for() -> None:
    body = json.dumps(EVENT | {"data": {"id": "pay_1"}}).encode()
    event = verify(body, signed(body))
    with pytest.raises(WebhookUnreadable, match=EVENT["id"]):
        event.about  # noqa: B018 - what raises


def test_every_type_of_the_contract_is_about_something_known() -> None:
    known = {"payment", "refund", "dispute"}
    without = {"settlement.created", "reconciliation.completed"}
    types = set(CONTRACT["components"]["schemas"]["EventType"]["enum"])
    assert {name for name in types if name.partition(".")[0] not in known} <= without
