"""`payrail up` as a user starts it: real processes, real ports."""

from pathlib import Path
from typing import Any


def test_each_service_has_one_line_and_then_comes_how_to_go_on(stack_process: Any) -> None:
    lines = "".join(stack_process.out).splitlines()
    services = ["vault", "provider-sim", "ledger-jobs", "gateway"]
    assert [line.split()[0] for line in lines[:4]] == services
    assert [line.split()[1] for line in lines[:4]] == [stack_process.url(name) for name in services]
    assert lines[4].startswith("Ready.")
    assert len(lines) == 5
    assert stack_process.err == []
