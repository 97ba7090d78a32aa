from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vault_bench import Bench, VaultClient


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
async def vault(bench: Bench) -> AsyncIterator[VaultClient]:
    async with bench.vault() as client:
        yield client
