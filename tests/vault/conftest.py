from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vault_bench import Bench, VaultClient

from payrail.vault import rotation
from waiting import LIMIT_S


@pytest.fixture(autouse=True)
def _rotations_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, to the end: a rotation that is under way is another answer."""
    monkeypatch.setattr(rotation, "WAIT_S_MAX", LIMIT_S)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
async def vault(bench: Bench) -> AsyncIterator[VaultClient]:
    async with bench.vault() as client:
        yield client
