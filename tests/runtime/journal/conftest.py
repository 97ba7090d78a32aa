"""Journals on files for the tests of this folder."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from payrail.runtime.journal import FileJournal


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def open_journal(directory: Path) -> Callable[[], Awaitable[FileJournal]]:
    counter = iter(range(1, 1_000_000))
    return lambda: FileJournal.open(directory, lambda: f"le_{next(counter)}")


@pytest.fixture
async def journal(open_journal: Callable[[], Awaitable[FileJournal]]) -> AsyncIterator[FileJournal]:
    opened = await open_journal()
    yield opened
    await opened.close()
