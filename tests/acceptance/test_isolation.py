"""Merchants and roles: another merchant's things are not there, and each operation needs its role.

Operations and roles are read from the contract, so that a new operation cannot be forgotten.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import orjson
import pytest

from stack_process import StackProcess
from stand_ins.webhook_receiver import GONE, receiver
from waiting import wait_until

CONTRACT = orjson.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())
ROLES = ("viewer", "operator", "approver", "admin")
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
BODY = {"amount": 100, "currency": "USD", "payment_method": {"card": CARD}}
UNKNOWN = "01JZ8Q4T5W8XK3V2N7M6R9S0AB"
NOON = "2031-03-03T12:00:00Z"
#: Ids that are made in another way.
UNKNOWN_OF = {"break_id": "brk_" + "G" * 24}
OPERATIONS = [
    pytest.param(method, path, operation, id=operation["operationId"])
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post", "put", "patch", "delete") and operation.get("security", True)
]
#: Simulated providers are everybody's; every other id in a path is of one merchant's thing.
# A day is nobody's: what each merchant sees of one is tested with the settlements.
WITH_ID = [c for c in OPERATIONS if re.search(r"\{(?!(?:provider_id|date)\})\w+\}", str(c.values[1]))]
LISTS = [c for c in OPERATIONS if c.values[0] == "get" and "{" not in str(c.values[1])]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    """A stack in the middle of a day, so that no day ends while the tests run."""
    stack = StackProcess(tmp_path_factory.mktemp("isolation") / "data").start()
    assert ask(stack, "post", "/clock", "m_demo", "admin", {"set": NOON}).is_success
    yield stack
    stack.kill()


@pytest.fixture(scope="module")
def things(stack: StackProcess) -> dict[str, str]:
    """One thing of the demo merchant for each kind of id that a path can name."""

    def made(url: str, body: Any) -> str:
        answer = ask(stack, "post", url, "m_demo", "admin", body)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    payment_id = made("/payments", {**BODY, "capture_method": "automatic"})
    made(f"/payments/{payment_id}/authorize", {})
    part = {"payment_id": payment_id, "amount": 10, "reason": "part"}
    events = ask(stack, "get", "/events", "m_demo", "viewer").json()["data"]
    with receiver() as merchant:
        merchant.always = GONE  # So that there is a dead letter at once.
        endpoint_id = made("/webhook-endpoints", {"url": merchant.url})
        customer_id, dispute_id = made("/customers", {}), made("/disputes", part)

        def dead_letters() -> list[Any]:
            return list(ask(stack, "get", "/dead-letters", "m_demo", "viewer").json()["data"])

        wait_until(lambda: bool(dead_letters()), "there is a dead letter")
    return {
        "break_id": a_break(stack),
        "endpoint_id": endpoint_id,
        "dead_letter_id": dead_letters()[0]["id"],
        "event_id": events[0]["id"],
        "payment_id": payment_id,
        "refund_id": made("/refunds", part),
        "dispute_id": dispute_id,
        "customer_id": customer_id,
    }


def a_break(stack: StackProcess) -> str:
    """What a reconciliation of today finds when the providers leave every movement out of their files."""
    for provider in ("providerA", "providerB"):
        url, rule = f"/providers/{provider}/inject-failure", {"mode": "settlement_missing"}
        assert ask(stack, "post", url, "m_demo", "admin", rule).is_success
    answer = ask(stack, "post", f"/reconciliation/{today(stack)}/run", "m_demo", "admin")
    assert answer.is_success, answer.text
    return str(answer.json()["data"][0]["id"])


def today(stack: StackProcess) -> str:
    return str(ask(stack, "get", "/clock", "m_demo", "viewer").json()["now"][:10])


def ask(
    stack: StackProcess, method: str, url: str, merchant: str, role: str, body: Any = None
) -> httpx.Response:
    identity = {"X-Merchant-Id": merchant, "X-Role": role, "X-User-Id": "ann"}
    with stack.client(stack.console_key) as client:
        headers = {**identity, "Idempotency-Key": f"{merchant}-{role}-{method}-{url}"}
        return client.request(method, url, json=body if method != "get" else None, headers=headers)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_role_below_the_needed_one_is_refused(
    stack: StackProcess, method: str, path: str, operation: dict[str, Any]
) -> None:
    needed = operation["x-required-role"]
    url = re.sub(r"\{(\w+)\}", lambda name: f"{name[1][:3]}_{UNKNOWN}", path)
    for role in ROLES[: ROLES.index(needed)]:
        answer = ask(stack, method, url, "m_demo", role, {})
        assert answer.status_code == 403, role
        assert answer.json()["code"] in ("forbidden", "maker_checker_violation"), role
        assert "403" in operation["responses"]


@pytest.mark.parametrize(("method", "path", "operation"), WITH_ID)
def test_another_merchants_thing_is_not_there(
    stack: StackProcess, things: dict[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    path = path.replace("{date}", today(stack))
    (name,) = re.findall(r"\{(\w+)\}", path)
    theirs_id, nobodys_id = things[name], UNKNOWN_OF.get(name, f"{things[name][:3]}_{UNKNOWN}")
    body = example_of(operation)
    theirs = ask(stack, method, path.replace(f"{{{name}}}", theirs_id), "m_acme", "admin", body)
    nobodys = ask(stack, method, path.replace(f"{{{name}}}", nobodys_id), "m_acme", "admin", body)
    assert theirs.status_code == nobodys.status_code == 404, theirs.text
    said = ("code", "title", "detail", "status")
    assert [theirs.json()[name] for name in said] == [nobodys.json()[name] for name in said]


def example_of(operation: dict[str, Any]) -> Any:
    """A good body: what is refused must be the id."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    first: dict[str, Any] = next(iter(content.get("examples", {}).values()), {"value": {}})
    if "$ref" in first:
        first = CONTRACT["components"]["examples"][first["$ref"].rpartition("/")[2]]
    return first["value"]


@pytest.mark.parametrize(("method", "path", "operation"), LISTS)
def test_another_merchants_things_are_in_no_list(
    stack: StackProcess, things: dict[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    shown = ask(stack, method, path, "m_acme", "admin")
    assert shown.status_code == 200, operation["operationId"]
    # What a merchant was refused stands in its own trail, as it asked for it.
    document = shown.json()
    told = [one for one in document.get("data", [document]) if one.get("outcome") != "refused"]
    assert not [one for one in things.values() if one in str(told)]


def test_another_merchants_token_is_not_there(stack: StackProcess, things: dict[str, str]) -> None:
    with stack.client() as client:
        token = client.get(f"/payments/{things['payment_id']}").json()["payment_method"]["token"]
    body = {**BODY, "payment_method": {"token": token}}
    theirs = ask(stack, "post", "/payments", "m_acme", "operator", body)
    assert (theirs.status_code, theirs.json()["code"]) == (404, "token_not_found")


def test_only_the_consoles_key_asserts_an_identity(stack: StackProcess) -> None:
    with stack.client(stack.console_key) as console:
        for headers in ({}, {"X-Merchant-Id": "m_demo"}, {"X-Merchant-Id": "m_demo", "X-Role": "viewer"}):
            answer = console.get("/payments", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_header"), headers
        identity = {"X-Merchant-Id": "m_demo", "X-Role": "chief", "X-User-Id": "ann"}
        assert console.get("/payments", headers=identity).status_code == 400
        identity = {"X-Merchant-Id": "m_nobody", "X-Role": "viewer", "X-User-Id": "ann"}
        assert console.get("/payments", headers=identity).status_code == 403
    with stack.client() as merchant:
        agreeing = {"X-Merchant-Id": "m_demo", "X-Role": "operator", "X-User-Id": "key_demo"}
        assert merchant.get("/payments", headers=agreeing).status_code == 200
        for name, value in (("X-Merchant-Id", "m_acme"), ("X-Role", "admin"), ("X-User-Id", "ann")):
            answer = merchant.get("/payments", headers={name: value})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name
