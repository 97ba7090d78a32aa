from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import simulator_client
from simulator_client import Simulator

from payrail.runtime.clock import FrozenClock


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def sim(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Simulator]:
    async with simulator_client.simulator(tmp_path, clock) as running:
        yield running
