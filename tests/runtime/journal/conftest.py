"""Journals on files for the tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from payrail.runtime.journal import FileJournal


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def open_journal(directory: Path) -> Callable[[], "asyncio.Future[FileJournal]"]:
    counter = iter(range(1, 1_000_000))
    return lambda: FileJournal.open(directory, lambda: f"le_{next(counter)}")


@pytest.fixture
async def journal(open_journal: Callable[[], "asyncio.Future[FileJournal]"]) -> AsyncIterator[FileJournal]:
    opened = await open_journal()
    yield opened
    await opened.close()
