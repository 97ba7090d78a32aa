"""The breaker among the workers of a real stack: processes of their own on one data directory."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from stack_process import StackProcess
from waiting import LIMIT_S, wait_until

PAYMENTS = 50
PROBES = 2
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
ADMIN = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
HELD = "/providers/providerA/authorize"


class Wire(ThreadingHTTPServer):
    """Between the gateways and the simulator at `target`. Authorizations at providerA wait until they are let go."""

    daemon_threads = True
    request_queue_size = PAYMENTS

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.target = ""
        self.let_go = threading.Event()
        self.let_go.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Wire

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == HELD:
            self.server.let_go.wait(LIMIT_S)
        url, headers = f"{self.server.target}{self.path}", dict(self.headers)
        answer = httpx.request(
            self.command, url, content=body, headers=headers, timeout=LIMIT_S, trust_env=False
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _pass_on  # noqa: N815 - the names that http.server asks for

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield server
        server.let_go.set()
        server.shutdown()
        serving.join()


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status_code < 300, answer.text
    said: dict[str, Any] = answer.json()
    return said


def create(client: httpx.Client) -> str:
    body = {"amount": 4999, "currency": "USD", "payment_method": {"card": CARD}}
    return str(post(client, "/payments", body)["id"])


def authorize(client: httpx.Client, payment_id: str) -> list[str]:
    """The providers that were asked."""
    paid = post(client, f"/payments/{payment_id}/authorize", {})
    return [attempt["provider"] for attempt in paid["attempts"]]


def test_two_workers_open_it_at_the_configured_call_and_let_exactly_the_probes_through(
    start_stack: Any, wire: Wire
) -> None:
    stack: StackProcess = start_stack(
        "--workers", "2",
        BREAKER_FAILURE_THRESHOLD="4", PROVIDER_SIM_URL=wire.url, PROVIDER_TIMEOUT_S=str(LIMIT_S),
    )  # fmt: skip
    wire.target = stack.url("provider-sim")
    simulator = stack.internal_client("provider-sim")
    simulator.post("/providers/providerA/inject-failure", json={"mode": "error", "operation": "authorize"})

    # A connection for each payment, so that the kernel spreads them over the workers.
    clients = [stack.client() for _ in range(PAYMENTS)]
    asked = [authorize(client, create(client)) for client in clients[:8]]
    payment_ids = [create(client) for client in clients]
    assert asked == [["providerA", "providerB"]] * 4 + [["providerB"]] * 4

    simulator.delete("/providers/providerA/failures")
    with stack.client(stack.console_key) as console:  # Answered once every worker goes by the new time.
        assert console.post("/clock", json={"advance_s": 30}, headers=ADMIN).status_code == 200
    wire.let_go.clear()
    with ThreadPoolExecutor(PAYMENTS) as pool:
        answers = [
            pool.submit(authorize, client, payment_id)
            for client, payment_id in zip(clients, payment_ids, strict=True)
        ]
        wait_until(
            lambda: sum(answer.done() for answer in answers) >= PAYMENTS - PROBES, "all but the probes ended"
        )
        wire.let_go.set()
        first = [answer.result()[0] for answer in answers]
    for client in clients:
        client.close()
    assert first.count("providerA") == PROBES
    assert first.count("providerB") == PAYMENTS - PROBES
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
