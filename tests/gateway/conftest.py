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
async def desk(tmp_path: Path, clock: FrozenClock, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """A desk; parametrized with the seconds after which its gateway gives a call up, where a test waits for that."""
    patience = {"provider_timeout_s": request.param} if hasattr(request, "param") else {}
    async with open_desk(tmp_path / "data", clock, **patience) as opened:
        yield opened
