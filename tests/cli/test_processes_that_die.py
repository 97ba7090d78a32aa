"""A process of the stack that dies is started again: what is called meanwhile waits, and nothing is lost or doubled."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from stack_process import StackProcess
from waiting import wait_until

StartStack = Callable[..., StackProcess]

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
_CLIENTS = 4


def post(client: httpx.Client, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask with one key until there is an answer that stands, as a client does whose connection breaks."""
    done: dict[str, Any] = {}

    def has_answer() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            answer = client.post(path, json=body, headers={"Idempotency-Key": key})
            assert answer.status_code in (200, 201, 202, 409, 503), answer.text
            if answer.status_code in (200, 201):
                done.update(answer.json())
        return bool(done)

    wait_until(has_answer, f"POST {path} has an answer that stands")
    return done


def live(client: httpx.Client, name: str) -> str:
    """A payment from its creation to its capture; its state at the end."""
    body = {"amount": 1000, "currency": "EUR", "payment_method": {"card": CARD}}
    payment_id = post(client, "/payments", f"{name}-create", body)["id"]
    post(client, f"/payments/{payment_id}/authorize", f"{name}-authorize", {"cvc": "123"})
    return str(post(client, f"/payments/{payment_id}/capture", f"{name}-capture", {})["state"])


class Traffic:
    """Clients that let payments live, one after the other, until they are told to stop."""

    def __init__(self, stack: StackProcess) -> None:
        self.states: list[str] = []
        self.faults: list[Exception] = []
        self._stack = stack
        self._done = threading.Event()
        self._clients = [threading.Thread(target=self._go_on, args=(name,)) for name in "abcd"[:_CLIENTS]]
        for client in self._clients:
            client.start()

    def _go_on(self, name: str) -> None:
        number = 0
        try:
            while not self._done.is_set():
                number += 1
                with self._stack.client() as client:
                    self.states.append(live(client, f"{name}-{number}"))
        except (AssertionError, httpx.HTTPError) as fault:
            self.faults.append(fault)

    def wait_for_more(self, lives: int = 8) -> None:
        enough = len(self.states) + lives
        wait_until(lambda: len(self.states) >= enough or bool(self.faults), "payments go on")

    def end(self) -> None:
        self._done.set()
        for client in self._clients:
            client.join()


def verified(stack: StackProcess) -> str:
    """What `payrail verify` says of the files; it finds nothing."""
    command = [sys.executable, "-m", "payrail.cli.main", "verify", "--data-dir", str(stack.data_dir)]
    proof = subprocess.run(command, capture_output=True, text=True, check=False)
    assert proof.returncode == 0, proof.stdout + proof.stderr
    return proof.stdout


def is_replaced(stack: StackProcess, victim: int, number: int) -> bool:
    """Whether another one is there in place of the victim, which is there itself until its end was noticed."""
    children = stack.children()
    return victim not in children and len(children) == number


@pytest.mark.parametrize("options", [["--isolated"], ["--workers", "2"]])
def test_each_process_may_be_killed_in_the_middle_of_payments(
    start_stack: StartStack, options: list[str]
) -> None:
    # However slow the machine is: no call is given up while what it calls is started again, and no breaker opens.
    stack = start_stack(*options, PROVIDER_TIMEOUT_S="60", BREAKER_FAILURE_THRESHOLD="1000")
    first = stack.children()
    traffic = Traffic(stack)
    try:
        for victim in first:
            traffic.wait_for_more()
            os.kill(victim, signal.SIGKILL)
            wait_until(partial(is_replaced, stack, victim, len(first)), "it is started again")
        traffic.wait_for_more()
    finally:
        traffic.end()
    assert traffic.faults == []
    assert set(traffic.states) == {"CAPTURED"}
    assert not set(first) & set(stack.children())
    assert stack.stop() == 0
    for victim in first:
        assert f"(pid {victim}) was killed by SIGKILL: it is started again" in stack.said()
    assert f"{len(traffic.states)} CAPTURED" in verified(stack)


def test_a_process_that_dies_again_and_again_ends_the_stack(start_stack: StartStack) -> None:
    stack = start_stack("--isolated")
    first, *others = stack.children()
    killed: set[int] = set()
    victims = {first}
    while stack.is_running():
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        killed |= victims
        victims = set()
        while stack.is_running() and not victims:
            victims = set(stack.children()) - killed - set(others)
    assert stack.wait() == 1
    assert "was killed by SIGKILL, again and again: the stack ends with it" in stack.err[-1]
    assert len(stack.err) == 6, stack.said()
    assert stack.listening() == []
