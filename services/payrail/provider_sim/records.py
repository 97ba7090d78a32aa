"""A provider's own files: one line per operation, one line per change of its failure rules.

A line is canonical: the same record gives the same bytes, whenever and beside whatever else it is written.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from payrail.provider_sim.failures import Change, RuleBook
from payrail.provider_sim.operations import Book, Record
from payrail.runtime.append_log import AppendLog

_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(Record).decode
_decode_change = msgspec.json.Decoder(Change).decode


class ProviderFileInvalid(Exception):
    """A complete line of a provider's file is not what the simulator writes. Nothing is overwritten."""

    def __init__(self, path: Path, line: int, cause: str) -> None:
        super().__init__(f"{path.name}, line {line}: {cause}")
        self.path = path
        self.line = line


def line_of(entry: Record | Change) -> bytes:
    """The line, without its newline."""
    return _encode(entry)


def load_records(log: AppendLog, add: Callable[[Record], None], book: Book) -> None:
    """Hand every record of the file to `add`, which takes it into the book. Raises `ProviderFileInvalid`."""
    for number, (_, line) in enumerate(log.lines(), start=1):
        try:
            record = _decode_record(line)
        except msgspec.DecodeError as error:
            raise ProviderFileInvalid(log.path, number, str(error)) from None
        if book.get(record.request.reference) is not None:
            raise ProviderFileInvalid(log.path, number, "a reference is on record twice")
        add(record)


def load_rules(log: AppendLog, rules: RuleBook) -> None:
    """Bring failure rules up to their file. Raises `ProviderFileInvalid`."""
    for number, (_, line) in enumerate(log.lines(), start=1):
        try:
            rules.apply(_decode_change(line))
        except msgspec.DecodeError as error:
            raise ProviderFileInvalid(log.path, number, str(error)) from None
