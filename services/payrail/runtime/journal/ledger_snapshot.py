"""How much of the ledger to look at: the ends of its books at one moment when nobody was writing.

The writers' lock is taken shared, for as long as it takes to ask for three file sizes, so that no batch is caught half
written; a running stack waits for that as it waits for a sibling. All that lies before those ends never changes.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger.entry import BOOKS, Book
from payrail.runtime.journal.ledger_files import LedgerEnd

_LOCK_WAIT_S = 10.0
_LOCK_POLL_S = 0.001


class LedgerBusy(Exception):
    """The ledger's lock was held all the time; a process that writes may hang."""


class LedgerSnapshot(Struct, frozen=True):
    """The books and how long they were. `closed` is what a clean stop noted, `closed_reason` why it is unreadable."""

    directory: Path
    sizes: dict[Book, int]
    closed: LedgerEnd | None
    closed_reason: str | None = None


def take_snapshot(directory: Path) -> LedgerSnapshot:
    """The ledger as it is now. Raises `LedgerBusy`."""
    with _shared_lock(directory / ".lock"):
        sizes = {book: _size(directory / f"{book}.jsonl") for book in BOOKS}
        try:
            noted = LedgerEnd.path(directory).read_bytes()
        except FileNotFoundError:
            return LedgerSnapshot(directory, sizes, None)
    try:
        return LedgerSnapshot(directory, sizes, msgspec.json.decode(noted, type=LedgerEnd))
    except msgspec.MsgspecError as error:
        return LedgerSnapshot(directory, sizes, None, str(error))


@contextmanager
def _shared_lock(path: Path) -> Iterator[None]:
    """Without a lock file no journal has ever been opened here, and nothing needs to be waited for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        _acquire_shared(fd)
        yield
    finally:
        os.close(fd)


def _acquire_shared(fd: int) -> None:
    deadline_s = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline_s:
                raise LedgerBusy(f"the ledger's lock was held for {_LOCK_WAIT_S:.0f} s on end") from None
            time.sleep(_LOCK_POLL_S)
        else:
            return


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
