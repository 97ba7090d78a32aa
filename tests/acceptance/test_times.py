"""Every time in every answer is RFC 3339 in UTC with `Z`, whichever service it comes from.

The operations are read from the contract, so that a new one cannot be forgotten.
"""

import re
from importlib.resources import files
from typing import Any

import httpx
import orjson
import pytest

from payrail.testing import PayRailStack
from waiting import LIMIT_S

CONTRACT = orjson.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())
READ = [
    pytest.param(path, id=item["get"]["operationId"])
    for path, item in CONTRACT["paths"].items()
    if "get" in item
]
TIME = re.compile(r'"(\d{4}-\d\d-\d\dT[^"]*)"')
PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")


@pytest.fixture(scope="module")
def ids(payrail_session: PayRailStack) -> dict[str, str]:
    """Something of every kind that a path can name, on a day that is over; a failure is in force."""
    client, admin = payrail_session.client, payrail_session.as_("admin", user="ada")
    customer = client.customers.create(name="Ana")
    payment = client.payments.create(
        amount=1000, currency="EUR", payment_method=payrail_session.cards.approved, customer_id=customer.id
    )
    client.payments.authorize(payment.id)
    client.payments.capture(payment.id)
    refund = client.refunds.request(payment_id=payment.id, amount=100, reason="requested")
    admin.refunds.approve(refund.id)
    dispute = client.disputes.open(payment_id=payment.id, amount=100, reason="fraudulent")
    endpoint = admin.webhook_endpoints.create(url=payrail_session.inbox.url)
    event = next(iter(client.events.list()))
    day = payrail_session.clock.now().date().isoformat()
    payrail_session.clock.advance(days=2)
    payrail_session.providers.a.fail("latency", latency_ms=1)
    return {
        "payment_id": payment.id, "refund_id": refund.id, "dispute_id": dispute.id, "customer_id": customer.id,
        "event_id": event.id, "webhook_endpoint_id": endpoint.id, "endpoint_id": endpoint.id, "date": day,
    }  # fmt: skip


def times_in(answer: httpx.Response) -> list[str]:
    return TIME.findall(answer.text)


@pytest.mark.parametrize("path", READ)
def test_times_that_an_operation_shows_are_utc_with_z(
    payrail_session: PayRailStack, ids: dict[str, str], path: str
) -> None:
    answer = ask(payrail_session, "GET", re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "none"), path))
    assert answer.is_success or answer.status_code in (400, 404), answer.text
    assert [time for time in times_in(answer) if not PLAIN.fullmatch(time)] == []


def test_times_of_an_injected_failure_are_utc_with_z(payrail_session: PayRailStack) -> None:
    injected = ask(
        payrail_session, "POST", "/providers/providerB/inject-failure", {"mode": "error", "rate": 0}
    )
    board = ask(payrail_session, "GET", "/providers")
    assert injected.json()["created_at"] in times_in(board)
    assert PLAIN.fullmatch(injected.json()["created_at"])


def ask(stack: PayRailStack, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {stack.console_key}", "X-Merchant-Id": "m_demo", "X-Role": "admin",
        "X-User-Id": "ada", "Accept": "application/json",
    }  # fmt: skip
    url = f"{stack.base_url}{path}"
    return httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=LIMIT_S)
