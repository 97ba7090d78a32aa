"""A file of lines that several processes append to, set aside when it is full; of the older parts some are kept.

``payrail.log`` is the newest part, ``payrail.log.1`` the one before it. Who writes holds a lock that writers share; who
renames holds it alone. So no line goes to a part that is gone, or is torn by a change of parts.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from payrail.runtime.durable_file import write_all

_CLOSED = -1


def parts_of(path: Path) -> list[Path]:
    """The parts that there are, the oldest first."""
    older = [path.with_name(f"{path.name}.{number}") for number in _numbers(path)]
    return [*older, path] if path.exists() else older


class RotatedFile:
    """One process's way to the file. It is not synced: what is written survives the process, not a power cut."""

    def __init__(self, path: Path, *, bytes_max: int, kept: int) -> None:
        """Open or create the file. It is set aside once it holds `bytes_max` bytes; `kept` older parts stay."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._bytes_max = bytes_max
        self._kept = kept
        self._lock_fd = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
        )
        self._fd = self._open()

    def write(self, lines: bytes) -> None:
        """Append whole lines, side by side in one part. Raises `OSError`, and `ValueError` once it is closed."""
        with self._locked(fcntl.LOCK_SH):
            if not self._is_newest_part():
                newest = self._open()
                os.close(self._fd)
                self._fd = newest
            write_all(self._fd, lines)
            full = self._is_full()
        if full:
            self._set_aside()

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Release the file. Later writes fail: the number of its descriptor may be another file's by then."""
        os.close(self._fd)
        os.close(self._lock_fd)
        self._fd = self._lock_fd = _CLOSED

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def _is_newest_part(self) -> bool:
        """Whether the name still stands for what this process has open."""
        try:
            named, opened = self._path.stat(), os.fstat(self._fd)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def _is_full(self) -> bool:
        return os.fstat(self._fd).st_size >= self._bytes_max

    def _set_aside(self) -> None:
        """Give every part the next number. Nobody waits for it: where another process writes or renames now, or the
        disk refuses, the next write tries again."""
        with contextlib.suppress(OSError), self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            if not (self._is_newest_part() and self._is_full()):
                return
            for number in _numbers(self._path):
                part = self._path.with_name(f"{self._path.name}.{number}")
                if number >= self._kept:
                    part.unlink()
                else:
                    part.rename(self._path.with_name(f"{self._path.name}.{number + 1}"))
            self._path.rename(self._path.with_name(f"{self._path.name}.1"))

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        fcntl.flock(self._lock_fd, how)
        try:
            yield
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)


def _numbers(path: Path) -> list[int]:
    """The numbers of the parts that were set aside, the oldest first."""
    suffixes = [other.name.removeprefix(f"{path.name}.") for other in path.parent.glob(f"{path.name}.*")]
    return sorted((int(suffix) for suffix in suffixes if suffix.isdecimal()), reverse=True)
