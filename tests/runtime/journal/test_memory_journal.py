"""The journal in memory keeps the port's promises, so that tests on it mean something."""

import pytest
from journal_contract import JournalContract

from stand_ins.memory_journal import MemoryJournal


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def journal(self) -> MemoryJournal:
        return MemoryJournal()
