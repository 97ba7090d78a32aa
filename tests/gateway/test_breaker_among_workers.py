"""The breaker among the workers of a real stack: processes of their own on one data directory."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx

from payrail.runtime.clock import SystemClock
from stack_process import StackProcess

PAYMENTS = 50
PROBE_MS = 4_000  # Longer than it takes to ask for all of them, on a machine that is busy with other tests.
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status_code < 300, answer.text
    said: dict[str, Any] = answer.json()
    return said


def create(client: httpx.Client) -> str:
    body = {"amount": 4999, "currency": "USD", "payment_method": {"card": CARD}}
    return str(post(client, "/payments", body)["id"])


def test_two_workers_open_it_at_the_configured_call_and_let_exactly_the_probes_through(
    start_stack: Any,
) -> None:
    stack: StackProcess = start_stack("--workers", "2", BREAKER_FAILURE_THRESHOLD="4")
    simulator = stack.internal_client("provider-sim")
    simulator.post("/providers/providerA/inject-failure", json={"mode": "error", "operation": "authorize"})

    def authorize(client: httpx.Client, payment_id: str) -> list[str]:
        paid = post(client, f"/payments/{payment_id}/authorize", {})
        return [attempt["provider"] for attempt in paid["attempts"]]

    # A connection for each payment, so that the kernel spreads them over the workers.
    clients = [stack.client() for _ in range(PAYMENTS)]
    asked = [authorize(client, create(client)) for client in clients[:8]]
    payment_ids = [create(client) for client in clients]
    assert asked == [["providerA", "providerB"]] * 4 + [["providerB"]] * 4

    simulator.delete("/providers/providerA/failures")
    slow = {"mode": "latency", "latency_ms": PROBE_MS, "operation": "authorize"}
    simulator.post("/providers/providerA/inject-failure", json=slow)
    SystemClock(stack.data_dir / "clock.json").advance(timedelta(seconds=30))
    with ThreadPoolExecutor(PAYMENTS) as pool:
        first = [providers[0] for providers in pool.map(authorize, clients, payment_ids)]
    for client in clients:
        client.close()
    assert first.count("providerA") == 2
    assert first.count("providerB") == PAYMENTS - 2
    owners = {
        line.split('"owner":"gateway-')[1].split("-")[0]
        for line in (stack.data_dir / "ledger" / "payments.jsonl").read_text().splitlines()
        if '"owner":"gateway-' in line
    }
    assert len(owners) == 2, "both workers took part"

    stack.stop()
    stack.restart()
    with stack.client() as client:
        breaker = client.get("/providers").json()["data"][0]["breaker"]
    assert [(change["from"], change["to"]) for change in breaker["history"]] == [
        ("HALF_OPEN", "CLOSED"),
        ("OPEN", "HALF_OPEN"),
        ("CLOSED", "OPEN"),
    ]
