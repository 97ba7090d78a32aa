"""The SDK against a server that misbehaves on purpose, and against a whole stack."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from misbehaving_server import Script, misbehaving_server
from sdk_callers import Caller

from stack_process import StackProcess


@pytest.fixture
def server() -> Iterator[Script]:
    with misbehaving_server() as script:
        yield script


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_caller(kind: str, server: Script) -> Iterator[Callable[..., Caller]]:
    callers: list[Caller] = []

    def make(**options: Any) -> Caller:
        callers.append(Caller(kind, options.pop("base_url", server.base_url), **options))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    return make_caller()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    """A running stack, one for all tests here: they share it as merchants' programs do."""
    stack = StackProcess(tmp_path_factory.mktemp("stack") / "data")
    try:
        yield stack.start()
    finally:
        stack.kill()
