"""Run as a program by the journal's tests: appends payments and prints each one once it was acknowledged."""

import asyncio
import random
import resource
import signal
import sys
from pathlib import Path

from payrail.ledger.entry import BOOKS, Book
from payrail.ledger.state import Committed
from payrail.runtime.clock import SystemClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal, LedgerUnavailable
from stand_ins.payments import created, in_book

ids = IdSource(SystemClock(), random.SystemRandom())


async def append_one(journal: FileJournal, book: Book) -> None:
    payment_id = ids.new("pay")
    try:
        result = await journal.append(book, in_book(book, created(payment_id)))
    except LedgerUnavailable:
        print("unavailable", flush=True)  # noqa: T201 - the parent reads what happened
        return
    assert isinstance(result, Committed)
    print(payment_id, flush=True)  # noqa: T201 - the parent reads what was acknowledged


async def main(directory: Path, rounds: int, file_bytes_max: int | None) -> None:
    journal = await FileJournal.open(directory, lambda: ids.new("le"))
    if file_bytes_max is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # The write is to fail, not the process.
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))
    print("ready", flush=True)  # noqa: T201
    for _ in range(rounds):
        await asyncio.gather(*(append_one(journal, BOOKS[n % 3]) for n in range(9)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await append_one(journal, "payments")
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None))
