"""A lock file that all processes of a data directory open once, with a count of the changes made under the lock.

A reader learns from the count, in shared memory and without a system call, that there is nothing new. Whoever finds
another number than last time reads the files again; where the count says how far they can be read, that needs no lock.
A crash between a change and its count is seen with the next change, or by whoever takes the lock.
"""

import fcntl
import mmap
import os
from pathlib import Path
from typing import Self

_COUNT_BYTES = 8


class SharedLock:
    """An exclusive lock among processes, which the kernel frees when its holder dies, and the count in its file.

    One of these is one place to hold the lock: two tasks that share it have to agree among themselves.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._fd).st_size < _COUNT_BYTES:
            os.ftruncate(self._fd, _COUNT_BYTES)
        # One aligned word, which the machine reads and writes whole.
        self._count = memoryview(mmap.mmap(self._fd, _COUNT_BYTES)).cast("Q")

    @property
    def count(self) -> int:
        """How many changes there were, as far as they were counted."""
        return self._count[0]

    def count_change(self) -> int:
        """Count one change, once it can be read in the files; the new count. For the holder of the lock."""
        self._count[0] = count = self._count[0] + 1
        return count

    def set_count(self, count: int) -> None:
        """Say how far the files can be read, for a count that is a length or a sequence number. For the holder of the
        lock."""
        self._count[0] = count

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def acquire(self) -> None:
        """Wait for the lock. The kernel wakes the waiter, so that a hand-over costs no polling interval."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let the next one have it."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release the lock and the file; the last count can still be read."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
