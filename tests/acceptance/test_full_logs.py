"""A log that is full is set aside while several processes write it, and what is in the older parts is still found."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from payrail.runtime.rotated_file import parts_of
from stack_process import StackProcess
from waiting import LIMIT_S, wait_until


def test_full_log_is_set_aside_and_trace_still_finds_what_is_in_it(
    start_stack: Callable[..., StackProcess],
) -> None:
    stack = start_stack(
        "--workers", "2", LOG_BYTES_MAX="3000", LOG_FILES_KEPT="40", METRICS_INTERVAL_S="0.05"
    )
    logs = [stack.data_dir / "logs" / "payrail.log", stack.data_dir / "metrics" / "service_metrics.jsonl"]
    asked = []
    while not all(len(parts_of(log)) > 3 for log in logs):
        before = newest_of(logs[1])
        with stack.client() as client:  # A connection of its own: any worker may take it.
            asked.append(client.get("/payments").headers["X-Correlation-Id"])
        # Each request makes a sample. Whoever asks faster fills many more parts of the log than are kept.
        wait_until(partial(has_grown, logs[1], before), "a sample of the metrics is written")
    assert stack.stop() == 0
    logged = [
        str(line["correlation_id"]) for line in lines_of(logs[0]) if line.get("operation") == "list_payments"
    ]
    assert sorted(logged) == sorted(asked)
    assert traced(stack.data_dir, asked[0]) == ["gateway: list_payments"]


def test_no_more_parts_are_kept_than_the_settings_say(start_stack: Callable[..., StackProcess]) -> None:
    stack = start_stack(LOG_BYTES_MAX="1000", LOG_FILES_KEPT="1")
    with stack.client() as client:
        for _ in range(100):  # Ten of them fill a part.
            client.get("/refunds")
    stack.stop()
    parts = parts_of(stack.data_dir / "logs" / "payrail.log")
    assert [part.name for part in parts][:1] == ["payrail.log.1"]
    assert len(parts) <= 2


def has_grown(log: Path, before: tuple[int, int] | None) -> bool:
    return newest_of(log) != before


def newest_of(log: Path) -> tuple[int, int] | None:
    """What tells the newest part from what it was before; none while there is no such file."""
    try:
        newest = log.stat()
    except FileNotFoundError:
        return None
    return newest.st_ino, newest.st_size


def lines_of(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for part in parts_of(log) for line in part.read_bytes().splitlines()]


def traced(data_dir: Path, identifier: str) -> list[str]:
    """What `payrail trace` shows, step by step."""
    command = [
        sys.executable,
        "-m",
        "payrail.cli.main",
        "trace",
        identifier,
        "--data-dir",
        str(data_dir),
        "--json",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    return [step["what"] for step in json.loads(shown.stdout)["steps"]]
