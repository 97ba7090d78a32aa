"""The receivers of the documentation, as they stand, at a real stack."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from node_tools import ROOT, node_major
from ports import free_ports
from stack_process import StackProcess
from waiting import LIMIT_S, wait_until

RECEIVERS = ROOT / "docs" / "receivers"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
PAYMENT = {"amount": 100, "currency": "USD", "capture_method": "automatic", "payment_method": {"card": CARD}}
ADMIN = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
NODE_MAJOR_MIN = 20


class Program:
    """A receiver as a process; what it says is in `said`."""

    def __init__(self, command: list[str], secret: str, folder: Path) -> None:
        environment = {**os.environ, "WEBHOOK_SECRET": secret}
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: bool(self.said), "the receiver listens")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(LIMIT_S)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.said.append(line.strip())


@pytest.fixture(params=["python", "javascript"])
def command(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "python":
        return [sys.executable, str(RECEIVERS / "receiver.py")]
    if node_major() < NODE_MAJOR_MIN:
        pytest.skip(f"the receiver in JavaScript needs Node {NODE_MAJOR_MIN} or newer")
    assert (RECEIVERS / "node_modules").exists(), "its package is not installed: run `make tools`"
    return ["node", str(RECEIVERS / "receiver.mjs")]


@pytest.fixture
def admin(stack_process: StackProcess) -> Iterator[httpx.Client]:
    with stack_process.client(stack_process.console_key) as client:
        client.headers.update(ADMIN)
        yield client


def test_a_receiver_takes_each_event_once_and_nothing_that_is_forged(
    command: list[str], admin: httpx.Client, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    secret = _posted(admin, "/webhook-endpoints", {"url": url})["secret"]
    running = Program([*command, str(port)], secret, tmp_path)
    try:
        payment = _posted(admin, "/payments", PAYMENT)
        _posted(admin, f"/payments/{payment['id']}/authorize", {})
        wait_until(lambda: len(running.said) == 4, "three events came")
        events = list(reversed(admin.get("/events").json()["data"]))
        expected = [f"{event['type']} {event['id']}" for event in events]
        assert running.said[1:] == expected
        _posted(admin, f"/events/{events[0]['id']}/redeliver", None)
        wait_until(lambda: len(running.said) == 5, "one came again")
        assert running.said[4] == f"again {events[0]['id']}"
        headers = _forged(events[1]["id"])
        forged = httpx.post(url, json=events[1], headers=headers, timeout=LIMIT_S, trust_env=False)
        assert forged.status_code == 400
        _posted(admin, f"/events/{events[2]['id']}/redeliver", None)
        wait_until(lambda: len(running.said) > 5, "another one came again")
        assert running.said[5:] == [f"again {events[2]['id']}"], "of the forged one nothing was said"
    finally:
        running.stop()


def _posted(admin: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = admin.post(path, json=body, headers={"Idempotency-Key": f"receivers{path.replace('/', '-')}"})
    assert answer.is_success, answer.text
    return dict(answer.json())


def _forged(event_id: str) -> dict[str, str]:
    """What makes a webhook, but for the signature: its time is now, so that it is not refused as an old one."""
    now_s = str(int(time.time()))
    return {"webhook-id": event_id, "webhook-timestamp": now_s, "webhook-signature": "v1,Zm9yZ2Vk"}
