"""The data directory of a running stack: one stack at a time, and emptied only when none runs."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from payrail.runtime.durable_file import LockHeld, WriterLock
from payrail.runtime.settings import load_settings

#: What PayRail writes. Emptying a directory removes these names and no others: it may be the wrong directory.
RUNTIME_NAMES = (
    "ledger",
    "vault",
    "providers",
    "settlement",
    "outbox",
    "idempotency",
    "reconciliation",
    "metrics",
    "merchants",
    "customers",
    "audit",
    "jobs",
    "webhooks",
    "logs",
    "run",
    "clock.json",
    "clock.json.lock",
    "clock.json.tmp",
)
STACK_LOCK = Path("run", "stack.lock")
_MARKS = (STACK_LOCK, Path("ledger", ".lock"))  # Where one of these is, PayRail has been.


class DataDirectoryRefused(Exception):
    """The directory cannot be used as it was asked for; the message is one line for a person."""


class DirectoryInUse(DataDirectoryRefused):
    """A stack runs on it."""


def existing_data_dir(given: Path | None) -> Path:
    """The directory that a command is to work on: `given`, else the settings'. Raises `DataDirectoryRefused` where
    there is none, and `SettingsRefused`."""
    directory = load_settings().payrail_data_dir if given is None else given
    if not directory.is_dir():
        raise DataDirectoryRefused(f"{directory} is no directory; name one with --data-dir")
    return directory


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Hold the directory for one stack. Raises `DirectoryInUse` when another one has it."""
    path = data_dir / STACK_LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock.acquire(path)
    except LockHeld as held:
        raise DirectoryInUse(
            f"another PayRail ({held.holder}) runs on {data_dir}: stop it, or choose another --data-dir"
        ) from None
    except OSError as error:
        raise DataDirectoryRefused(f"{data_dir} cannot be used: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def require_payrails_own(data_dir: Path) -> None:
    """Raise `DataDirectoryRefused` unless PayRail has run here, or there is nothing that it could remove."""
    if any((data_dir / mark).exists() for mark in _MARKS):
        return
    if found := next((name for name in RUNTIME_NAMES if (data_dir / name).exists()), None):
        raise DataDirectoryRefused(f"{data_dir / found} was not made by PayRail: nothing was removed")


def empty(data_dir: Path) -> None:
    """Remove what PayRail wrote. The caller has claimed the directory.

    Raises `DataDirectoryRefused`, and removes nothing, while a process has any of its locks.
    """
    for lock in sorted(data_dir.rglob("*.lock")):
        if lock != data_dir / STACK_LOCK and _is_held(lock):
            raise DataDirectoryRefused(f"{lock} is in use by a running service: nothing was removed")
    for name in RUNTIME_NAMES:
        _remove(data_dir / name, keep=data_dir / STACK_LOCK)


def _remove(path: Path, keep: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        if path != keep.parent:
            shutil.rmtree(path)
            return
        for child in path.iterdir():
            if child != keep:  # It is locked by us; in its place a second stack could lock a new one.
                _remove(child, keep)
    else:
        path.unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    """Whether a process holds the file, as a whole or any byte of it."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
