"""What a file on disk needs to survive a crash: full writes, syncs, atomic replacement, and one-writer
locks."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from payrail.runtime import faults


class LockHeld(Exception):
    """Another process (or another part of this one) writes here; ``holder`` says who, as far as it is
    known."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by {holder}")
        self.path = path
        self.holder = holder


class WriterLock:
    """An exclusive lock on a file beside the data; the kernel frees it when the process dies."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self.path = path

    @classmethod
    def acquire(cls, path: Path) -> "WriterLock":
        """Take the lock at once or raise `LockHeld`. The file names its holder for the error of the next
        one."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 200, 0).decode(errors="replace").strip() or "another process"
            os.close(fd)
            raise LockHeld(path, holder) from None
        except BaseException:
            os.close(fd)
            raise
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()}\n".encode(), 0)
        return cls(fd, path)

    def release(self) -> None:
        """Free the lock. The file stays: removing it would let two processes lock two files of one name."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` for a short block, waiting for it; for small documents, off the
    hot path."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def sync_data(fd: int) -> None:
    """Return when the file's content, and what is needed to read it back, is on the disk."""
    if hasattr(fcntl, "F_FULLFSYNC"):  # macOS: fsync alone leaves the data in the drive's cache.
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def sync_directory(path: Path) -> None:
    """Make names in a directory durable: a new or renamed file exists after a crash only once this
    returned."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte: one call of the kernel may take only a part, for example on a disk that fills up."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_and_sync(fd: int, data: bytes) -> None:
    """Write every byte and return when they are durable. On an error the file may hold any part of them."""
    write_all(fd, data)
    sync_data(fd)


class ReplaceFaults:
    """The fault points of one document's replacement."""

    def __init__(self, name: str) -> None:
        self.before_replace = faults.declare(
            f"{name}.before_replace", "the new file is durable under its temporary name"
        )
        self.after_replace = faults.declare(
            f"{name}.after_replace", "the new file has its name, not yet synced"
        )


def replace_file(
    path: Path,
    chunks: Iterable[bytes],
    *,
    mode: int = 0o644,
    points: ReplaceFaults | None = None,
    durable: bool = True,
) -> None:
    """Put a new content in place of a file in one step: a reader or a crash sees the old one or the new,
    whole.

    The temporary name is fixed, so that what a crash left is overwritten by the next replacement; callers
    hold a lock that lets one process replace at a time. With ``durable=False`` the new content survives the
    process, not a power cut.
    """
    temporary = path.with_name(path.name + ".tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)  # The process's umask must not decide who may read a file that holds keys.
        for chunk in chunks:
            write_all(fd, chunk)
        if durable:
            os.fsync(fd)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(fd)
    if points is not None:
        faults.point(points.before_replace)
    temporary.replace(path)
    if points is not None:
        faults.point(points.after_replace)
    if durable:
        sync_directory(path.parent)
