"""The embedded stack in the test's own loop."""

from typing import Any

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


async def test_payment_runs_from_creation_to_capture(running_stack: Any) -> None:
    async with running_stack.client() as gateway:
        body = {"amount": 1999, "currency": "EUR", "payment_method": {"card": CARD}}
        created = await gateway.post("/payments", json=body, headers={"Idempotency-Key": "create"})
        assert created.status_code == 201, created.text
        path = f"/payments/{created.json()['id']}"
        authorized = await gateway.post(
            f"{path}/authorize", json={}, headers={"Idempotency-Key": "authorize"}
        )
        assert authorized.json()["state"] == "AUTHORIZED"
        captured = await gateway.post(f"{path}/capture", json={}, headers={"Idempotency-Key": "capture"})
        assert captured.json()["state"] == "CAPTURED"


async def test_every_service_answers_its_health_check(running_stack: Any) -> None:
    for service in ("vault", "provider-sim", "ledger-jobs", "gateway"):
        async with running_stack.client(service) as client:
            health = await client.get("/health")
        assert health.status_code == 200
        assert health.json()["service"] == service
        assert health.json()["status"] == "ok"
