"""Fixtures of a whole stack as a process of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secrets_scan import find_secrets
from stack_process import StackProcess

StartStack = Callable[..., StackProcess]


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    """Starts `payrail up` with options and, by keyword, additions to its environment; all are killed at the end."""
    started: list[StackProcess] = []

    def start(*options: str, data_dir: Path | None = None, **env: str) -> StackProcess:
        stack = StackProcess(data_dir or tmp_path / "data", *options, env=env)
        started.append(stack)
        return stack.start()

    yield start
    for stack in started:
        stack.kill()
    for stack in started:
        assert find_secrets(stack.data_dir, stack.said()) == []


@pytest.fixture
def stack_process(start_stack: StartStack) -> StackProcess:
    """A running `payrail up` on free ports and a data directory of its own."""
    return start_stack()
