from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from desk import Desk, open_desk
from shop import Shop

from payrail.gateway.flows import move_clock
from payrail.runtime.clock import FrozenClock
from waiting import LIMIT_S


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(tmp_path)
    yield opened
    opened.require_sound_books()
    opened.leases.close()


@pytest.fixture(autouse=True)
def _moved_clock_stops_for_all_that_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: on a slow machine the rest would be done at the goal, as if it had happened there."""
    monkeypatch.setattr(move_clock, "_STOPPING_S_MAX", LIMIT_S)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: FrozenClock, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """A desk; parametrized with the seconds after which its gateway gives a provider up."""
    patience = {"provider_timeout_s": request.param} if hasattr(request, "param") else {}
    async with open_desk(tmp_path / "data", clock, **patience) as opened:
        yield opened
