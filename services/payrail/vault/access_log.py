"""Who asked the vault for what: one line for each access, refused ones too, and never a card number."""

import asyncio
import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from payrail.runtime.append_log import AppendLog, LogUnavailable
from payrail.runtime.clock import Clock, parse_rfc3339, rfc3339, rfc3339_of_ms
from payrail.vault.errors import VaultUnavailable
from payrail.vault.keyring import MODE

OK = "ok"
ACCESS_LOG_FILE = "access_log.jsonl"
READ_CHUNK_BYTES = 1 << 16


class AccessLine(msgspec.Struct, frozen=True):
    """One access as it stands in the file and in the contract."""

    at: str
    operation: str
    merchant_id: str | None
    token: str | None
    caller: str | None
    correlation_id: str
    outcome: str


@dataclass
class Access:
    """One access while it is going on; who learns something of it writes it here."""

    operation: str
    caller: str | None = None
    merchant_id: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class AccessFilter:
    """Which lines a reader wants; None wants all. ``created_to`` itself is outside."""

    token: str | None = None
    caller: str | None = None
    merchant_id: str | None = None
    created_from: str | None = None
    created_to: str | None = None

    def __post_init__(self) -> None:
        for name in ("created_from", "created_to"):
            bound = getattr(self, name)
            if bound is not None:  # In the file's own form the texts sort as the times do.
                object.__setattr__(self, name, rfc3339(parse_rfc3339(bound)))

    def wants(self, line: AccessLine) -> bool:
        return (
            self.token in (None, line.token)
            and self.caller in (None, line.caller)
            and self.merchant_id in (None, line.merchant_id)
            and (self.created_from is None or line.at >= self.created_from)
            and (self.created_to is None or line.at < self.created_to)
        )


class CursorInvalid(ValueError):
    """The cursor is none that this log gave out."""


class AccessLog:
    """The file ``access_log.jsonl``, appended to by group commit and read from its end."""

    def __init__(self, log: AppendLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    @classmethod
    def open(cls, directory: Path, *, clock: Clock) -> Self:
        """Open or create the log for this process alone; `LockHeld` otherwise."""
        return cls(AppendLog.open(directory / ACCESS_LOG_FILE, name="vault.access_log", mode=MODE), clock)

    def close(self) -> None:
        self._log.close()

    @property
    def available(self) -> bool:
        return self._log.available

    async def record(self, access: Access, correlation_id: str, outcome: str) -> None:
        """Append the line. What was granted is on the disk when this returns; a refusal is with the kernel.

        Raises `VaultUnavailable` when it cannot be written: then the access must not be granted.
        """
        line = AccessLine(
            at=rfc3339_of_ms(self._clock.now_ms()),
            operation=access.operation,
            merchant_id=access.merchant_id,
            token=access.token,
            caller=access.caller,
            correlation_id=correlation_id,
            outcome=outcome,
        )
        try:
            await self._log.append(msgspec.json.encode(line), durable=outcome == OK)
        except LogUnavailable as error:
            raise VaultUnavailable from error

    async def page(
        self, wanted: AccessFilter, *, limit: int, cursor: str | None
    ) -> tuple[list[AccessLine], str | None]:
        """The newest lines before the cursor that the filter wants, and the cursor of the page after them.

        A cursor names a place in the file, so a page stays as it is while lines are added. Raises
        `CursorInvalid`.
        """
        return await asyncio.to_thread(self._page, wanted, limit, cursor)

    def _page(
        self, wanted: AccessFilter, limit: int, cursor: str | None
    ) -> tuple[list[AccessLine], str | None]:
        fd = os.open(self._log.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = self._log.end_offset if cursor is None else _decode_cursor(cursor, fd, self._log.end_offset)
            found: list[tuple[int, AccessLine]] = []
            for offset, raw in _lines_backwards(fd, end):
                line = msgspec.json.decode(raw, type=AccessLine)
                if wanted.wants(line):
                    found.append((offset, line))
                    if len(found) > limit:
                        break
        finally:
            os.close(fd)
        page = found[:limit]
        following = _encode_cursor(page[-1][0]) if len(found) > limit else None
        return [line for _, line in page], following


def _lines_backwards(fd: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines that end at or before ``end``, last first, each with its offset."""
    rest = b""  # The beginning, already read, of what lies between the chunks read so far.
    start = end
    while start > 0:
        begin = max(0, start - READ_CHUNK_BYTES)
        data = os.pread(fd, start - begin, begin) + rest
        first, *lines = data.split(b"\n")
        offset = begin + len(data)
        for line in reversed(lines):
            offset -= len(line)
            if line:
                yield offset, line
            offset -= 1
        rest, start = first, begin
    if rest:
        yield 0, rest


def _encode_cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(b"a%d" % offset).rstrip(b"=").decode()


def _decode_cursor(cursor: str, fd: int, end: int) -> int:
    """The offset of the oldest line that the reader has; the page after it ends there."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        kind, offset = text[:1], int(text[1:])
    except (binascii.Error, ValueError):
        raise CursorInvalid from None
    if kind != b"a" or not 0 < offset < end or os.pread(fd, 1, offset - 1) != b"\n":
        raise CursorInvalid
    return offset
