"""The journal: the one place through which entries reach the ledger's files."""

from payrail.runtime.journal.file_journal import FileJournal
from payrail.runtime.journal.follower import Follower
from payrail.runtime.journal.ledger_files import LedgerCorrupt
from payrail.runtime.journal.opener import JournalOpener
from payrail.runtime.journal.port import Decide, Journal, LedgerUnavailable

__all__ = [
    "Decide",
    "FileJournal",
    "Follower",
    "Journal",
    "JournalOpener",
    "LedgerCorrupt",
    "LedgerUnavailable",
]
