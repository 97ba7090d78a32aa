"""Kill the stack at every step of the outbox, start it again, go on where the requests were cut off.

Whatever the step: every event reaches each receiver at least once, with one unchanged id and body and in the order of
the ledger; nothing is marked processed that was not accepted; and the dead letter queue drains when it is redriven.
"""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from payrail.cli.stack import embedded
from payrail.ledger.events import seq_of
from payrail.runtime import faults
from payrail.runtime.clock import FrozenClock
from payrail.runtime.settings import load_settings
from payrail.runtime.stored_items import decode_change, read_snapshot
from stack_process import StackDied, StackProcess
from stand_ins.webhook_receiver import FAIL, Receiver, receiver
from waiting import LIMIT_S

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
PAYMENT = {"amount": 4999, "currency": "USD", "payment_method": {"card": CARD}}
ADMIN = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
FAILING = "payment.authorized"
EVENTS = 3
TRIES = 4
EVERY_PAUSE_S = 200  # Longer than any pause between two tries.
#: Steps of these files are passed only when much more was sent, and are tested with the store and the log themselves.
_ELSEWHERE = (".before_discard", ".after_discard")


async def _live(client: httpx.AsyncClient, steady: Receiver, failing: Receiver) -> None:
    """Two endpoints, three events, one of which one endpoint does not take until it is dead and redriven. The requests
    carry keys of their own, so that it may be gone through again from the start."""
    for name, one in (("steady", steady), ("failing", failing)):
        await _post(client, "/webhook-endpoints", f"endpoint-{name}", {"url": one.url})
    payment_id = (await _post(client, "/payments", "create", PAYMENT))["id"]
    await _post(client, f"/payments/{payment_id}/authorize", "authorize", {})
    await _post(client, f"/payments/{payment_id}/capture", "capture", {})
    for number in range(TRIES):
        await _move(client, f"clock-{number}")
    failing.of_type = {}
    await _post(client, "/dead-letters/redrive", "redrive", None)
    await _move(client, "clock-last")


async def _post(client: httpx.AsyncClient, path: str, key: str, body: Any) -> dict[str, Any]:
    while True:
        answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
        if (answer.is_success and answer.status_code != httpx.codes.ACCEPTED) or "redrive" in path:
            return dict(answer.json())
        # What the kill cut off is settled in a moment.
        assert answer.status_code in (202, 409, 503), answer.text
        await asyncio.sleep(0.05)


async def _move(client: httpx.AsyncClient, key: str) -> None:
    await _post(client, "/clock", key, {"advance_s": EVERY_PAUSE_S})


@asynccontextmanager
async def _receivers() -> AsyncIterator[tuple[Receiver, Receiver]]:
    with receiver() as steady, receiver() as failing:
        failing.of_type = {FAILING: FAIL}
        yield steady, failing


async def _survey() -> Counter[str]:
    """How often the scenario passes each of the outbox's fault points, the stack's start and end included."""
    passages: Counter[str] = Counter()

    def count(name: str) -> None:
        passages[name] += 1

    with tempfile.TemporaryDirectory() as directory, ExitStack() as armed:
        settings = load_settings(payrail_data_dir=Path(directory) / "first")
        async with embedded(settings, clock=FrozenClock()).alive():
            pass  # Some points are declared when their file is opened.
        for name in faults.known():
            if name.startswith("outbox.") and not name.endswith(_ELSEWHERE):
                armed.enter_context(faults.armed(name, partial(count, name)))
        settings = load_settings(payrail_data_dir=Path(directory) / "second")
        async with embedded(settings, clock=FrozenClock()).alive() as stack, _receivers() as both:
            transport = httpx.ASGITransport(stack.apps["gateway"])
            headers = {"Authorization": f"Bearer {settings.console_api_key}", **ADMIN}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://gw", headers=headers
            ) as client:
                await _live(client, *both)
    return passages


PASSAGES = asyncio.run(_survey())


def test_the_survey_passes_every_step_of_the_outbox() -> None:
    assert PASSAGES["outbox.before_send"] == PASSAGES["outbox.after_send"] == 2 * EVENTS - 1 + TRIES + 1
    assert PASSAGES["outbox.after_accepted"] == 2 * EVENTS
    assert PASSAGES["outbox.after_buried"] == 1
    files = {name.split(".")[1] for name in PASSAGES if name.count(".") > 1}
    assert files == {"endpoints", "events", "processed", "progress", "dead_letters"}


#: Every step once; the steps of a delivery also at their last passage, and the sync of what was accepted at its second:
#: several acceptances may share a sync, so that nobody knows which one is the last.
CASES = [
    *(f"{point}:1" for point in sorted(PASSAGES)),
    *(f"{point}:{2 * EVENTS + TRIES}" for point in ("outbox.before_send", "outbox.after_send")),
    f"outbox.after_accepted:{2 * EVENTS}",
    "outbox.processed.after_sync:2",
]


@pytest.mark.parametrize("fault", CASES)
async def test_a_kill_at_this_step_loses_no_event_and_marks_none_that_was_not_accepted(
    fault: str, tmp_path: Path
) -> None:
    stack = StackProcess(tmp_path / "data", env={"OUTBOX_INTERVAL_S": "0.2"})
    async with _receivers() as (steady, failing):
        try:
            with suppress(StackDied, httpx.TransportError):
                stack.start(PAYRAIL_FAULT=fault)
                async with _client(stack) as client:
                    await _live(client, steady, failing)
            assert stack.wait() == -signal.SIGKILL, f"{fault} was never reached"
            _check_processed(stack.data_dir, steady, failing)
            stack.start()
            async with _client(stack) as client:
                await _live(client, steady, failing)
                await _drain(client)
            assert stack.stop() == 0
        finally:
            stack.kill()
        assert _check_processed(stack.data_dir, steady, failing) == 2 * len(_events(stack.data_dir))
        _check_sound(stack.data_dir)
        for one in (steady, failing):
            _check_receiver(one, stack.data_dir)


async def _drain(client: httpx.AsyncClient) -> None:
    """Send what is still owed or dead, whatever the kill left; then nothing is."""
    for number in range(TRIES + 1):
        await _move(client, f"rest-{number}")
    await _post(client, "/dead-letters/redrive", "redrive-rest", None)
    await _move(client, "clock-rest")
    assert (await client.get("/dead-letters")).json()["data"] == []


def _client(stack: StackProcess) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {stack.console_key}", **ADMIN}
    return httpx.AsyncClient(base_url=stack.url(), headers=headers, timeout=LIMIT_S, trust_env=False)


def _check_receiver(one: Receiver, data_dir: Path) -> None:
    """Each event at least once, the same bytes under the same id, in the order of the ledger. Only what somebody wanted
    to be sent again comes after a later one."""
    events = _events(data_dir)
    assert set(one.ids()) == set(events)
    for received in one.received:
        assert received.body == events[received.id]
    assert list(dict.fromkeys(one.ids(accepted=False))) == list(events)
    redriven = FAILING if len(one.received) > len(one.ids()) else None
    in_turn = [seq_of(received.id) for received in one.received if received.event["type"] != redriven]
    assert in_turn == sorted(in_turn)


def _events(data_dir: Path) -> dict[str, bytes]:
    """Every event's line. A kill in the middle of a request makes one more, of an outcome that nobody knew."""
    lines = (data_dir / "outbox" / "events.jsonl").read_bytes().splitlines()
    events = {json.loads(line)["id"]: line for line in lines}
    assert len(lines) == len(events) >= EVENTS
    return events


def _check_processed(data_dir: Path, *receivers: Receiver) -> int:
    """How many are marked processed, each of which was accepted there."""
    urls = {key: record["url"] for key, record in _stored(data_dir, "endpoints.json").items()}
    accepted = {(one.url, event_id) for one in receivers for event_id in one.ids()}
    marked = {
        (urls[record["endpoint_id"]], record["event_id"])
        for record in _stored(data_dir, "processed_events.json").values()
    }
    assert marked <= accepted
    return len(marked)


def _stored(data_dir: Path, name: str) -> dict[str, Any]:
    """The records of a document as a start would read them: whole lines only."""
    path = data_dir / "outbox" / name
    items = read_snapshot(path)
    log = path.with_name(path.name + ".log")
    for line in log.read_bytes().splitlines(keepends=True) if log.exists() else []:
        if line.endswith(b"\n"):
            decode_change(log, 0, line[:-1]).apply_to(items)
    return items


def _check_sound(data_dir: Path) -> None:
    command = [sys.executable, "-m", "payrail.cli.main", "verify", "--data-dir", str(data_dir)]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
