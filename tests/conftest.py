"""Fixtures of a whole stack: in this process, or as a process of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from payrail.cli.stack import Stack, embedded
from payrail.runtime.settings import Settings, load_settings
from secrets_scan import find_secrets
from stack_process import StackProcess


@dataclass(frozen=True)
class RunningStack:
    """The four services in the test's own loop, on a data directory of their own."""

    settings: Settings
    stack: Stack

    def client(self, service: str = "gateway", key: str | None = None) -> httpx.AsyncClient:
        """A client of one service; the demo merchant's key at the gateway, the gateway's own at the others."""
        ours = (
            self.settings.merchant_api_key if service == "gateway" else self.settings.internal_api_key_gateway
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.stack.apps[service]),
            base_url=f"http://{service}",
            headers={"Authorization": f"Bearer {key or ours}"},
        )


@pytest.fixture
async def running_stack(tmp_path: Path) -> AsyncIterator[RunningStack]:
    """The embedded stack without sockets."""
    settings = load_settings(payrail_data_dir=tmp_path / "data")
    async with embedded(settings).alive() as stack:
        yield RunningStack(settings, stack)
    assert find_secrets(settings.payrail_data_dir) == []


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
