from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from desk import Desk, open_desk
from shop import Shop

from payrail.runtime.clock import FrozenClock


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.require_sound_books()
    opened.leases.close()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path / "data", clock) as opened:
        yield opened
