"""The form of a JSON document that grows: a snapshot, one record per line, and a log of what changed since.

Applying the log twice gives the same, so that a crash between writing a snapshot and shortening the log does no harm.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

FORMAT_VERSION = 1
ITEMS_PER_CHUNK = 256

Record = dict[str, Any]


class StoreCorrupt(Exception):
    """A complete part of the document is not what this module writes. Nothing was changed."""


class _Snapshot(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    items: dict[str, Record]


class Change(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the log. Applying it again changes nothing."""

    put: dict[str, Record] = {}
    delete: list[str] = []

    def apply_to(self, items: dict[str, Record]) -> None:
        items.update(self.put)
        for key in self.delete:
            items.pop(key, None)


def read_snapshot(path: Path) -> dict[str, Record]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        snapshot = msgspec.json.decode(data, type=_Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreCorrupt(f"{path} cannot be read: {error}") from None
    if snapshot.version != FORMAT_VERSION:
        raise StoreCorrupt(
            f"{path} has format version {snapshot.version}, this program reads {FORMAT_VERSION}"
        )
    return snapshot.items


def decode_change(path: Path, offset: int, line: bytes) -> Change:
    try:
        return msgspec.json.decode(line, type=Change)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreCorrupt(f"{path}, the line at byte {offset} cannot be read: {error}") from None


def snapshot_chunks(items: Mapping[str, Record]) -> Iterator[bytes]:
    """The snapshot piece by piece: a long document is written in a thread, which must let the others run."""
    yield b'{"version":%d,"items":{' % FORMAT_VERSION
    separator = b"\n"
    chunk: list[bytes] = []
    for key, record in items.items():
        chunk += (separator, msgspec.json.encode(key), b":", msgspec.json.encode(record))
        separator = b",\n"
        if len(chunk) >= 4 * ITEMS_PER_CHUNK:
            yield b"".join(chunk)
            chunk.clear()
    yield b"".join(chunk) + b"\n}}\n"
