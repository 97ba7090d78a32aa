"""Leases: who is working on a thing right now, across processes.

A lease is one locked byte of a shared file, at an offset taken from the name's hash. The kernel frees the bytes of a
process that dies, so that a free lease means: whoever worked on it died or let go. There is nothing to clean up, no
time-out to tune and no heartbeat to miss.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path


class Leases:
    """The leases of one data directory. POSIX record locks belong to a process: open one `Leases` per process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._held: set[str] = set()

    def acquire(self, name: str) -> bool:
        """Take the lease if nobody has it, neither another process nor another task of this one."""
        if name in self._held:
            return False
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(name))
        except OSError:
            return False
        self._held.add(name)
        return True

    def release(self, name: str) -> None:
        """Give the lease back; whoever asks next gets it."""
        self._held.discard(name)
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, _offset(name))

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        """Hold the lease for a block; yields whether it was free."""
        acquired = self.acquire(name)
        try:
            yield acquired
        finally:
            if acquired:
                self.release(name)

    def close(self) -> None:
        """Free everything this process holds."""
        self._held.clear()
        os.close(self._fd)


def _offset(name: str) -> int:
    """56 bits of the name's hash: two names meet with a chance that no number of payments makes noticeable."""
    return int.from_bytes(sha256(name.encode()).digest()[:7], "big")
