"""From the endpoint that the SDK makes to the event that it verifies, through a running stack."""

from misbehaving_server import Script, answer
from sdk_callers import Caller

from payrail_sdk import Identity, Payment, webhooks
from stack_process import StackProcess
from waiting import wait_until

CARD = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}}


def test_webhook_of_a_capture_is_verified_with_the_secret_of_its_endpoint(
    kind: str, gateway: StackProcess, server: Script
) -> None:
    admin = Caller(kind, gateway.url(), gateway.console_key, identity=Identity("m_demo", "admin", "ana"))
    server.then(*[answer(204)] * 9)
    endpoint = admin(
        lambda client: client.webhook_endpoints.create(
            url=f"{server.base_url}/hooks", event_types=["payment.captured"]
        )
    )
    payment = admin(
        lambda client: client.payments.create(
            amount=700, currency="EUR", payment_method=CARD, capture_method="automatic"
        )
    )
    admin(lambda client: client.payments.authorize(payment.id, correlation_id=f"capture-{kind}"))
    wait_until(lambda: bool(server.received), "the webhook came")
    came = server.received[0]
    event = webhooks.verify(came.body, came.headers, endpoint.secret)
    assert (event.type, event.merchant_id, event.correlation_id) == (
        "payment.captured",
        "m_demo",
        f"capture-{kind}",
    )
    assert isinstance(event.about, Payment)
    assert (event.about.id, event.about.amount_captured) == (payment.id, 700)
    assert admin(lambda client: client.events.get(event.id)).id == event.id
    admin(lambda client: client.webhook_endpoints.delete(endpoint.id))
    admin.close()
