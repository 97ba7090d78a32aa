"""Leases: who is working on a thing right now, across processes.

A lease is one locked byte of a shared file, at an offset taken from the name's hash. The kernel frees the bytes of a
process that dies, so that a free lease means: whoever worked on it died or let go. There is nothing to clean up, no
time-out to tune and no heartbeat to miss.
"""

import fcntl
import os
from hashlib import sha256
from pathlib import Path


class Leases:
    """The leases of one data directory. POSIX record locks belong to a process: open one `Leases` per process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._held: dict[str, int] = {}  # Where the byte of each lies.

    def acquire(self, name: str) -> bool:
        """Take the lease if nobody has it, neither another process nor another task of this one."""
        if name in self._held:
            return False
        offset = _offset(name)
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except OSError:
            return False
        self._held[name] = offset
        return True

    def release(self, name: str) -> None:
        """Give the lease back; whoever asks next gets it."""
        offset = self._held.pop(name, None)
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, _offset(name) if offset is None else offset)

    def hold(self, name: str) -> "Hold":
        """Hold the lease for a `with` block, which gets whether it was free."""
        return Hold(self, name)

    def close(self) -> None:
        """Free everything this process holds."""
        self._held.clear()
        os.close(self._fd)


class Hold:
    """A lease for the length of a block. Nothing is given back that was not taken."""

    __slots__ = ("_acquired", "_leases", "_name")

    def __init__(self, leases: Leases, name: str) -> None:
        self._leases = leases
        self._name = name
        self._acquired = False

    def __enter__(self) -> bool:
        self._acquired = self._leases.acquire(self._name)
        return self._acquired

    def __exit__(self, *_: object) -> None:
        if self._acquired:
            self._leases.release(self._name)


def _offset(name: str) -> int:
    """56 bits of the name's hash: two names meet with a chance that no number of payments makes noticeable."""
    return int.from_bytes(sha256(name.encode()).digest()[:7], "big")
