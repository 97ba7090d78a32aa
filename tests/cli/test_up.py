"""`payrail up` as a user starts it: real processes, real ports."""

import contextlib
import itertools
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from payrail.runtime.settings import packaged_settings
from stack_process import PORT_SETTINGS, StackProcess
from waiting import wait_until

StartStack = Callable[..., StackProcess]

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
# `payrail`, but it gives calls, requests and children that do not end far more time than any test has.
PATIENT = """
from payrail.cli import supervisor
from payrail.cli.main import main
from payrail.provider_sim.silence import Silence
from payrail.runtime import serving

Silence.__init__.__defaults__ = (3600.0,)
serving.serve.__kwdefaults__["grace_s"] = 3600
supervisor._END_S_MAX = 3600.0
main()
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackProcess]:
    """A stack that the test starts itself."""
    stack = StackProcess(tmp_path / "data")
    yield stack
    if stack.is_running():
        stack.kill()


def create(stack: StackProcess, key: str) -> str:
    """Create a payment; its id."""
    with stack.client() as client:
        body = {"amount": 1999, "currency": "EUR", "payment_method": {"card": CARD}}
        created = client.post("/payments", json=body, headers={"Idempotency-Key": key})
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


def refusal(stack: StackProcess, **env: str) -> str:
    """The one line with which a start is refused."""
    assert stack.launch(**env).wait() == 1
    assert stack.out == []
    assert len(stack.err) == 1, stack.said()
    assert stack.err[0].startswith("Error: ")
    return stack.err[0]


# ---- starting and ending ---------------------------------------------------------------------------------------------


def test_each_service_has_one_line_and_then_comes_how_to_go_on(stack_process: StackProcess) -> None:
    lines = "".join(stack_process.out).splitlines()
    services = ["vault", "provider-sim", "ledger-jobs", "gateway"]
    assert [line.split()[0] for line in lines[:4]] == services
    assert [line.split()[1] for line in lines[:4]] == [stack_process.url(name) for name in services]
    assert lines[4].startswith("Ready.")
    assert len(lines) == 5
    assert stack_process.err == []


def test_every_service_answers_health_and_shows_its_contract(stack_process: StackProcess) -> None:
    for service in PORT_SETTINGS:
        with stack_process.internal_client(service) as client:
            health = client.get("/health").json()
            assert (health["service"], health["status"]) == (service, "ok")
            assert client.get("/openapi.json").json()["openapi"] == "3.0.3"
            assert client.get("/docs/").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("options", [[], ["--isolated"]])
def test_a_signal_ends_the_stack_with_exit_code_0(
    start_stack: StartStack, number: signal.Signals, options: list[str]
) -> None:
    stack = start_stack(*options)
    children = stack.children()
    assert stack.stop(number) == 0
    assert stack.err == []
    assert stack.listening() == []
    assert not any(is_alive(child) for child in children)


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_still_ends_in_order(start_stack: StartStack) -> None:
    stack = start_stack("--isolated")
    os.killpg(stack.process.pid, signal.SIGINT)
    assert stack.wait() == 0
    assert stack.err == []


def test_a_second_signal_ends_what_does_not_answer_the_first(stack: StackProcess) -> None:
    stack.program, stack.options = ["-c", PATIENT], ["--isolated"]
    stack.start()
    for child in stack.children():
        os.kill(child, signal.SIGSTOP)

    stack.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not waits_for(stack.process.pid, signal.SIGTERM), "the first one has arrived")
    assert stack.stop() == 0


def test_a_call_that_no_provider_answers_does_not_hold_up_the_end(stack: StackProcess) -> None:
    stack.program = ["-c", PATIENT]
    stack.start(PROVIDER_TIMEOUT_S="3600")
    with stack.internal_client("provider-sim") as provider:
        rule = {"mode": "timeout", "operation": "authorize"}
        assert provider.post("/providers/providerA/inject-failure", json=rule).status_code == 201
    payment_id = create(stack, "one")

    def authorize() -> None:
        with stack.client() as client, contextlib.suppress(httpx.HTTPError):
            client.post(f"/payments/{payment_id}/authorize", json={}, headers={"Idempotency-Key": "a"})

    caller = threading.Thread(target=authorize)
    caller.start()
    book = stack.data_dir / "ledger" / "payments.jsonl"
    wait_until(lambda: "authorization_started" in book.read_text(), "the provider is asked")
    assert stack.stop() == 0
    caller.join()


def test_payments_survive_a_restart(stack_process: StackProcess) -> None:
    payment_id = create(stack_process, "before")
    stack_process.kill()
    stack_process.restart()
    with stack_process.client() as client:
        assert client.get(f"/payments/{payment_id}").json()["state"] == "CREATED"


# ---- refusing to start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--isolated"], ["--workers", "2"]])
def test_a_taken_port_is_one_clear_line_and_nothing_is_written(
    stack: StackProcess, options: list[str]
) -> None:
    stack.options = options
    with socket.create_server(("127.0.0.1", stack.ports["provider-sim"])):
        line = refusal(stack)
    assert f"port {stack.ports['provider-sim']} for provider-sim is taken" in line
    assert f"(pid {os.getpid()})" in line
    assert "PROVIDER_SIM_PORT" in line
    assert not stack.data_dir.exists()
    assert stack.listening() == []


def test_a_setting_that_is_wrong_is_named(stack: StackProcess) -> None:
    assert "PROVIDER_TIMEOUT_S" in refusal(stack, PROVIDER_TIMEOUT_S="soon")
    assert not stack.data_dir.exists()


def test_development_keys_do_not_start_in_production(stack: StackProcess) -> None:
    line = refusal(stack, PAYRAIL_ENV="production")
    assert "MERCHANT_API_KEY" in line
    assert packaged_settings().merchant_api_key not in line


def test_one_data_directory_has_one_stack(stack_process: StackProcess) -> None:
    second = StackProcess(stack_process.data_dir)
    line = refusal(second)
    assert f"process {stack_process.process.pid}" in line
    assert str(stack_process.data_dir) in line


@pytest.mark.parametrize("options", [[], ["--isolated"]])
def test_a_damaged_ledger_is_one_line_that_names_the_place(stack: StackProcess, options: list[str]) -> None:
    stack.options = options
    stack.start()
    create(stack, "one")
    create(stack, "two")
    stack.stop()
    book = stack.data_dir / "ledger" / "payments.jsonl"
    lines = book.read_text().splitlines(keepends=True)
    book.write_text("".join([lines[0].replace("1999", "1998"), *lines[1:]]))
    damaged = book.read_bytes()
    assert stack.launch().wait() == 1
    assert len(stack.err) == 1, stack.said()
    who, _, place = stack.err[0].partition(" could not start: ")
    assert who in ("Error: ledger-jobs", "Error: gateway"), "with a process each, either may look first"
    assert place.startswith("payments.jsonl line 1:")
    assert book.read_bytes() == damaged


def test_a_start_that_a_damaged_file_ends_leaves_the_ledger_as_it_was(stack: StackProcess) -> None:
    stack.start()
    create(stack, "one")
    stack.stop()
    ledger = stack.data_dir / "ledger"
    before = {path.name: path.read_bytes() for path in ledger.glob("*.json*")}
    runs = stack.data_dir / "jobs" / "runs.jsonl"
    runs.write_bytes(b"garbage\n" + runs.read_bytes())
    assert stack.launch().wait() == 1
    assert stack.err[0].startswith("Error: ledger-jobs could not start: runs.jsonl line 1 cannot be read:")
    assert {path.name: path.read_bytes() for path in ledger.glob("*.json*")} == before


# ---- a fresh start ---------------------------------------------------------------------------------------------------


def test_fresh_removes_what_was_and_leaves_what_is_not_ours(stack: StackProcess) -> None:
    stack.start()
    payment_id = create(stack, "one")
    stack.stop()
    (stack.data_dir / "README.md").write_text("kept")
    (stack.data_dir / "notes.txt").write_text("kept")
    stack.options = ["--fresh"]
    stack.start()
    with stack.client() as client:
        assert client.get(f"/payments/{payment_id}").status_code == 404
    assert (stack.data_dir / "README.md").read_text() == "kept"
    assert (stack.data_dir / "notes.txt").read_text() == "kept"


def test_fresh_removes_nothing_while_a_stack_runs(stack_process: StackProcess) -> None:
    payment_id = create(stack_process, "one")
    assert "another PayRail" in refusal(StackProcess(stack_process.data_dir, "--fresh"))
    with stack_process.client() as client:
        assert client.get(f"/payments/{payment_id}").json()["state"] == "CREATED"


def test_fresh_is_refused_in_production(stack: StackProcess) -> None:
    secrets = {
        name.upper(): f"whsec_{'A' * 32}" if name.endswith("webhook_secret") else f"real-key-of-{name}"
        for name in type(packaged_settings()).model_fields
        if name.endswith(("_key", "_secret")) or name.startswith("internal_api_key")
    }
    stack.options = ["--fresh"]
    assert "--fresh" in refusal(stack, PAYRAIL_ENV="production", **secrets)
    assert not stack.data_dir.exists()


def test_fresh_does_not_touch_a_directory_that_payrail_did_not_make(stack: StackProcess) -> None:
    logs = stack.data_dir / "logs"
    logs.mkdir(parents=True)
    (logs / "mine.txt").write_text("mine")
    stack.options = ["--fresh"]
    assert "was not made by PayRail" in refusal(stack)
    assert (logs / "mine.txt").read_text() == "mine"


# ---- several processes -----------------------------------------------------------------------------------------------


def test_isolated_services_have_a_process_each(start_stack: StartStack) -> None:
    stack = start_stack("--isolated")
    assert len(stack.children()) == len(PORT_SETTINGS)
    payment_id = create(stack, "one")
    with stack.client() as client:
        authorized = client.post(
            f"/payments/{payment_id}/authorize", json={}, headers={"Idempotency-Key": "authorize"}
        )
    assert authorized.json()["state"] == "AUTHORIZED"


def test_workers_share_port_and_ledger(start_stack: StartStack) -> None:
    """What one worker writes, each connection reads, whichever worker it reached."""
    stack = start_stack("--workers", "2")
    assert len(stack.children()) == 3
    payment_ids = [create(stack, f"payment-{number}") for number in range(12)]
    for payment_id in payment_ids:
        with stack.client() as client:
            assert client.get(f"/payments/{payment_id}").status_code == 200
    assert "2 workers" in stack.said()


def test_both_workers_serve(start_stack: StartStack) -> None:
    """Each intent of the ledger names the process that wrote it."""
    stack = start_stack("--workers", "2")
    numbers = itertools.count(1)

    def owners() -> set[str]:
        payment_id = create(stack, f"payment-{next(numbers)}")
        with stack.client() as client:
            client.post(f"/payments/{payment_id}/authorize", json={}, headers={"Idempotency-Key": "a"})
        ledger = (stack.data_dir / "ledger" / "payments.jsonl").read_text()
        entries = [json.loads(line) for line in ledger.splitlines()]
        return {str(owner) for entry in entries for owner in find_owners(entry)}

    wait_until(lambda: len(owners()) == 2, "both workers have written an intent")


def find_owners(value: object) -> Iterator[object]:
    """Every `owner` in an entry, wherever it stands."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "owner":
                yield member
            yield from find_owners(member)
    elif isinstance(value, list):
        for member in value:
            yield from find_owners(member)


@pytest.mark.parametrize("options", [["--isolated"], ["--workers", "2"]])
def test_a_killed_supervisor_leaves_no_process_behind(start_stack: StartStack, options: list[str]) -> None:
    stack = start_stack(*options)
    children = stack.children()
    os.kill(stack.process.pid, signal.SIGKILL)
    assert stack.wait() == -signal.SIGKILL
    wait_until(lambda: not any(is_alive(child) for child in children), "its children have ended")
    assert stack.listening() == []


def waits_for(pid: int, number: signal.Signals) -> bool:
    """Whether the signal waits to be taken by the process: another one would be the same."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["ShdPnd"], 16) >> (number - 1) & 1)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not just waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# ---- logs ------------------------------------------------------------------------------------------------------------


def test_requests_are_logged_without_card_number_or_key(stack_process: StackProcess) -> None:
    create(stack_process, "one")
    stack_process.stop()
    log = (stack_process.data_dir / "logs" / "payrail.log").read_text()
    operations = {json.loads(line).get("operation") for line in log.splitlines()}
    assert {"create_payment", "tokenize", "get_health"} <= operations
    for secret in (CARD["number"], stack_process.merchant_key, stack_process.internal_key):
        assert str(secret) not in log


def test_verbose_logs_go_to_standard_error(start_stack: StartStack) -> None:
    stack = start_stack("--verbose")
    create(stack, "one")
    stack.stop()
    assert any(json.loads(line).get("operation") == "create_payment" for line in stack.err)
    assert not (stack.data_dir / "logs").exists()
