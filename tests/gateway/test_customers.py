"""Customers with saved cards, and payments by customer."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import VISA, Desk, open_desk

from payrail.gateway.adapters.customers import CustomersFile
from payrail.gateway.domain.customers import Customer, CustomerNotFound
from payrail.runtime.clock import FrozenClock

ADA = {"name": "Ada Lovelace", "email": "Ada@Example.com", "metadata": {"tier": "gold"}}
CARD = {"number": VISA, "exp_month": 12, "exp_year": 2039}


async def made(desk: Desk, **fields: Any) -> dict[str, Any]:
    answer = await desk.post("/customers", fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def saved(desk: Desk, customer_id: str, method: dict[str, Any], **more: Any) -> httpx.Response:
    return await desk.post(f"/customers/{customer_id}/payment-methods", method, **more)


async def test_a_customer_pays_with_a_saved_card(desk: Desk) -> None:
    customer = await made(desk, **ADA)
    assert (customer["name"], customer["payment_methods"]) == ("Ada Lovelace", [])
    with_card = (await saved(desk, customer["id"], {"card": CARD})).json()
    (method,) = with_card["payment_methods"]
    assert (method["brand"], method["last4"]) == ("visa", "4242")
    body = {
        "amount": 500,
        "currency": "USD",
        "customer_id": customer["id"],
        "payment_method": {"token": method["token"]},
    }
    payment = (await desk.post("/payments", body)).json()
    assert payment["customer_id"] == customer["id"]
    authorized = await desk.post(f"/payments/{payment['id']}/authorize")
    assert authorized.json()["state"] == "AUTHORIZED"
    await desk.payment()
    listed = await desk.get("/payments", params={"customer_id": customer["id"]})
    assert [one["id"] for one in listed["data"]] == [payment["id"]]
    assert await desk.get(f"/customers/{customer['id']}") == with_card


async def test_the_same_card_is_saved_once_with_its_newest_expiry(desk: Desk) -> None:
    customer = await made(desk)
    await saved(desk, customer["id"], {"card": CARD})
    await saved(desk, customer["id"], {"card": {**CARD, "number": "5555555555554444"}})
    again = (await saved(desk, customer["id"], {"card": {**CARD, "exp_year": 2040}})).json()
    shown = [(method["last4"], method["exp_year"]) for method in again["payment_methods"]]
    assert shown == [("4444", 2039), ("4242", 2040)]


async def test_a_customer_has_at_most_fifty_cards(tmp_path: Path) -> None:
    async with open_desk(tmp_path, FrozenClock()) as desk:
        customer = await made(desk)
        for n in range(60):
            number = luhn(f"400000{n:09d}")
            answer = await saved(desk, customer["id"], {"card": {**CARD, "number": number}})
            if answer.status_code != 201:
                break
        assert (n, answer.json()["code"]) == (50, "too_many_payment_methods")


def luhn(digits: str) -> str:
    doubled = [int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits))]
    return digits + str(-sum(d // 10 + d % 10 for d in doubled) % 10)


async def test_lists_are_filtered_and_paged(desk: Desk) -> None:
    ids = [(await made(desk, name=f"N{n}", email=f"n{n}@x.org"))["id"] for n in range(5)]
    page = await desk.get("/customers", params={"limit": 2})
    rest = await desk.get("/customers", params={"cursor": page["next_cursor"]})
    assert [one["id"] for one in page["data"] + rest["data"]] == ids[::-1]
    assert (await desk.get("/customers", params={"email": "N3@X.org"}))["data"][0]["id"] == ids[3]
    assert (await desk.get("/customers", params={"q": "n4"}))["data"][0]["id"] == ids[4]


async def test_one_key_makes_one_customer_and_saves_one_card(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.post("/customers", ADA, key="k") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    (customer,) = (await desk.get("/customers"))["data"]
    first = await saved(desk, customer["id"], {"card": CARD}, key="c")
    again = await saved(desk, customer["id"], {"card": CARD}, key="c")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    other = await saved(desk, customer["id"], {"card": {**CARD, "exp_year": 2041}}, key="c")
    assert other.json()["code"] == "idempotency_key_reused"
    # What changed since does not change what the first request was told.
    replayed = await desk.post("/customers", ADA, key="k")
    assert replayed.json()["payment_methods"] == []


async def test_a_payment_of_an_unknown_customer_is_refused(desk: Desk) -> None:
    foreign = (await desk.post("/customers", {}, merchant="m_acme")).json()["id"]
    for customer_id in (foreign, "cus_01JZ8P7R8S9T0V1W2X3Y4Z5A6B"):
        body = {
            "amount": 1,
            "currency": "USD",
            "payment_method": {"card": CARD},
            "customer_id": customer_id,
        }
        refused = await desk.post("/payments", body)
        assert (refused.status_code, refused.json()["code"]) == (404, "customer_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "validation_failed"),
        ({"card": CARD, "token": "tok_01JZ8Q4T3V4W5X6Y7Z8A9B0C1D"}, 422, "validation_failed"),
        ({"card": {**CARD, "number": "4242424242424241"}}, 422, "card_invalid"),
        ({"card": {**CARD, "exp_year": 2020}}, 422, "card_expired"),
        ({"token": "tok_01JZ8Q4T3V4W5X6Y7Z8A9B0C1D"}, 404, "token_not_found"),
    ],
)
async def test_what_is_no_card_is_not_saved(desk: Desk, body: Any, status: int, code: str) -> None:
    customer = await made(desk)
    answer = await saved(desk, customer["id"], body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await desk.get(f"/customers/{customer['id']}"))["payment_methods"] == []


async def test_a_card_number_in_a_customers_text_is_refused(desk: Desk) -> None:
    refused = await desk.post("/customers", {"description": f"pays with {VISA}"})
    assert (refused.status_code, refused.json()["code"]) == (422, "sensitive_data")


async def test_customers_are_there_after_a_restart_and_for_every_worker(tmp_path: Path) -> None:
    path = tmp_path / "customers.json"
    one, two = CustomersFile(path), CustomersFile(path)
    await one.add(Customer("cus_1", "m_demo", "2025", "2025", "Ada"))
    assert two.find("m_demo", "cus_1").name == "Ada"
    with pytest.raises(CustomerNotFound):
        two.find("m_acme", "cus_1")
    one.close()
    two.close()
    three = CustomersFile(path)
    assert [customer.id for customer in three.of("m_demo")] == ["cus_1"]
    three.close()
