"""The three books on disk: reading them as one chain, appending a batch to them, taking a failed write back.

A batch is written book by book with consecutive sequence numbers and each book is synced before the next one is
touched, so that after any crash the three files together hold an unbroken prefix of the sequence. All methods that
look at the end of a file expect the caller to hold the directory's lock.
"""

import contextlib
import heapq
import os
from array import array
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger.entry import BOOKS, GENESIS, Book, BrokenLine, Entry, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.runtime import faults
from payrail.runtime.append_log import TornTail, quarantine_torn_tail, read_complete_lines, report_torn_tail
from payrail.runtime.durable_file import replace_file, sync_data, sync_directory, write_all
from payrail.runtime.journal.last_line import last_complete_line, lines_before

_LINE_BYTES = 4096
_CHUNK_BYTES = 4 << 20
_OFFSET_BITS = 56
_SEQ_DIGITS_MAX = 20

BEFORE_WRITE = faults.declare("ledger.before_write", "the batch is decided, nothing of it is written")
HALF_WRITTEN = faults.declare("ledger.half_written", "half of a book's lines are written")
BEFORE_SYNC = faults.declare("ledger.before_sync", "a book's lines are written, not yet synced")
AFTER_SYNC = faults.declare("ledger.after_sync", "a book's lines are durable, nobody has been told")


class LedgerCorrupt(Exception):
    """A complete line is not what was written, or one is missing. Nothing is overwritten; a person has to look."""

    code = "ledger_corrupt"

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path.name} line {line}: {reason}")
        self.path = path
        self.line = line


class LedgerEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the ledger ended when it was last closed in order: what the chain alone cannot tell.

    It is there only while no process that was opened later has it open, or after one of several was closed; either
    way the ledger has at least these entries.
    """

    seq: int
    hash: str

    @classmethod
    def path(cls, directory: Path) -> Path:
        """The file that says it, beside the books."""
        return directory / "closed.json"

    @classmethod
    def read(cls, directory: Path) -> "LedgerEnd | None":
        """What the file says, if there is one. Raises `LedgerCorrupt`."""
        path = cls.path(directory)
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise LedgerCorrupt(path, 1, f"it cannot be read: {error}") from error


class _Ending(Struct, frozen=True):
    """What of a line says where the ledger ends."""

    seq: int = 0
    hash: str = GENESIS


_decode_ending = msgspec.json.Decoder(_Ending).decode


class Sealed(Struct, frozen=True):
    """An entry and its line, ready to be written."""

    entry: Entry
    line: bytes


class Located(Struct, frozen=True):
    """An entry and where it stands: file, byte offset, the offset after it, line number from 1."""

    entry: Entry
    path: Path
    offset: int
    end: int
    line: int


class _BookFile:
    """One book: its descriptor, and how much of it is known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self.end = 0
        self.lines = 0

    def read_new(
        self, size: int, on_torn: Callable[[TornTail], None], through_seq: int | None
    ) -> Iterator[Located]:
        """What was appended since the last look, of a file that is `size` bytes long now; `end` and `lines` are the
        caller's to move. With `through_seq` it ends there, else a torn tail is quarantined."""
        if size < self.end:
            raise LedgerCorrupt(self.path, self.lines, "the file is shorter than it was")
        chunk, end, number = _CHUNK_BYTES, self.end, self.lines
        while end < size:
            lines, _end = read_complete_lines(self.fd, end, min(size, end + chunk))
            if not lines:
                if end + chunk < size:
                    chunk *= 2  # One line is longer than the chunk.
                    continue
                if through_seq is None and (torn := quarantine_torn_tail(self.path, self.fd)):
                    on_torn(torn)
                return
            for line in lines:
                if through_seq is not None and _seq_said(line) > through_seq:
                    return
                offset, end, number = end, end + len(line) + 1, number + 1
                try:
                    entry = unseal(line, DECODERS)
                except BrokenLine as error:
                    raise LedgerCorrupt(self.path, number, str(error)) from error
                yield Located(entry, self.path, offset, end, number)

    def append(self, data: bytes) -> None:
        half = len(data) // 2 if faults.is_armed(HALF_WRITTEN) else 0
        if half:
            write_all(self.fd, data[:half])
            faults.point(HALF_WRITTEN)
        write_all(self.fd, data[half:])
        faults.point(BEFORE_SYNC)
        sync_data(self.fd)
        faults.point(AFTER_SYNC)

    def ending(self) -> "tuple[_Ending, bool]":
        """Its last whole line, unproved, and whether a torn one follows. Raises `msgspec.MsgspecError`."""
        size = os.fstat(self.fd).st_size
        line, end = last_complete_line(self.fd, size)
        return _decode_ending(line) if line else _Ending(), end < size

    def line_at(self, offset: int) -> bytes:
        length = _LINE_BYTES
        while (newline := (chunk := os.pread(self.fd, length, offset)).find(b"\n")) < 0:
            length *= 2
            if len(chunk) < length // 2:
                raise LedgerCorrupt(
                    self.path, self.lines, "the file ends inside an entry that was read before"
                )
        return chunk[:newline]


def _seq_said(line: bytes) -> float:
    """The sequence number that a line begins with; infinity if it does not begin as an entry does."""
    said = line[len(b'{"seq":') : line.find(b",")]
    return int(said) if said.isdigit() and len(said) <= _SEQ_DIGITS_MAX else inf


def _seq_of(located: Located) -> int:
    return located.entry.seq


class LedgerFiles:
    """The books as one sequence: `seq` and `prev` of its end, and where each entry lies."""

    def __init__(self, directory: Path, on_torn: Callable[[TornTail], None] = report_torn_tail) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.seq = 0
        self.prev = GENESIS
        self._on_torn = on_torn
        self._books: dict[Book, _BookFile] = {book: _BookFile(directory / f"{book}.jsonl") for book in BOOKS}
        self._where = array("Q", [0])
        self._entity_seqs: dict[str, array[int]] = {}
        sync_directory(directory)

    def read_new(self, through_seq: int | None = None) -> Iterator[Located]:
        """What other processes appended since the last look, in sequence; raises `LedgerCorrupt` at a break.

        The caller holds the lock, or says through which entry the books are known to be durable: what follows that one
        may be under way, and is left alone.

        After an `OSError` (a disk that refuses a read, or the quarantine) it may be called again: how far a book is
        known moves with each entry that is handed out, not with what the merge has looked at ahead.
        """
        sizes = [(book, os.fstat(book.fd).st_size) for book in self._books.values()]
        grown = ((book, size) for book, size in sizes if size != book.end)
        streams = [book.read_new(size, self._on_torn, through_seq) for book, size in grown]
        merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=_seq_of)
        for located in merged:
            entry = located.entry
            if located.path is not self._books[entry.book].path:
                raise LedgerCorrupt(located.path, located.line, f"the entry belongs to the book {entry.book}")
            if entry.seq != self.seq + 1:
                raise LedgerCorrupt(located.path, located.line, f"seq {entry.seq} follows seq {self.seq}")
            if entry.prev != self.prev:
                raise LedgerCorrupt(located.path, located.line, "prev is not the hash of the entry before it")
            self._note(entry, located.offset)
            book = self._books[entry.book]
            book.end, book.lines = located.end, located.line
            yield located

    def resume(self) -> None:
        """Take the books as they stand without reading them, for one who reads and proves what it needs by itself.

        Each book's last line is proved; torn tails are quarantined. Raises `LedgerCorrupt`.
        """
        for book in self._books.values():
            line, book.end = last_complete_line(book.fd, os.fstat(book.fd).st_size)
            if not line:
                continue
            try:
                entry = unseal(line, DECODERS)
            except BrokenLine as error:
                raise LedgerCorrupt(book.path, lines_before(book.fd, book.end), str(error)) from error
            if entry.seq > self.seq:
                self.seq, self.prev = entry.seq, entry.hash
        for located in self.read_new():
            raise LedgerCorrupt(located.path, located.line, "a line stands after the last one")

    def write(self, batch: list[Sealed]) -> None:
        """Append the batch, ordered by book, and sync each book before the next. Raises OSError; then `roll_back`."""
        faults.point(BEFORE_WRITE)
        for name, book in self._books.items():
            lines = [sealed.line for sealed in batch if sealed.entry.book == name]
            if lines:
                book.append(b"".join(lines))

    def note_written(self, batch: list[Sealed]) -> None:
        """The batch is durable: it is the end of the chain now."""
        for sealed in batch:
            book = self._books[sealed.entry.book]
            self._note(sealed.entry, book.end)
            book.end += len(sealed.line)
            book.lines += 1

    def roll_back(self) -> None:
        """Cut what a failed write left behind. A disk that refuses this too leaves a tail for the next reader.

        The last book goes first, and nothing follows a cut that failed: a crash in between leaves an unbroken prefix
        of the sequence, as everywhere else.
        """
        with contextlib.suppress(OSError):
            for book in reversed(self._books.values()):
                os.ftruncate(book.fd, book.end)
                os.fsync(book.fd)

    def read(self, entity: str, up_to_seq: int | None = None) -> list[Entry]:
        """The entity's entries in order, up to and with `up_to_seq`, read from the files."""
        seqs = self._entity_seqs.get(entity, array("Q"))
        return [self.entry_at(seq) for seq in seqs if up_to_seq is None or seq <= up_to_seq]

    def entry_at(self, seq: int) -> Entry:
        """The entry with this sequence number, which must be known."""
        where = self._where[seq]
        book = self._books[BOOKS[where >> _OFFSET_BITS]]
        return unseal(book.line_at(where & ((1 << _OFFSET_BITS) - 1)), DECODERS)

    def require_closed_end(self) -> None:
        """Raises `LedgerCorrupt` where lines are missing that were there when the ledger was last closed in order.

        Looks at the books' ends alone and changes nothing: call it before anything is read. A torn line is not missing;
        whoever reads takes it for what a crash left, and names one that is broken.
        """
        closed = LedgerEnd.read(self._directory)
        if closed is None:
            return
        try:
            endings = [book.ending() for book in self._books.values()]
        except msgspec.MsgspecError:
            return
        last = max((ending for ending, _torn in endings), key=lambda ending: ending.seq)
        if last.seq + sum(torn for _ending, torn in endings) < closed.seq:
            missing = f"its books end at seq {last.seq}: what followed is missing"
        elif last.seq == closed.seq and last.hash != closed.hash:
            missing = "that entry is missing: another one stands in its place"
        else:
            return
        path = LedgerEnd.path(self._directory)
        raise LedgerCorrupt(path, 1, f"the ledger was closed at seq {closed.seq}, but {missing}")

    def note_opened(self) -> None:
        """The ledger is in use: its end is wherever the books end, and a torn tail is what a crash left."""
        LedgerEnd.path(self._directory).unlink(missing_ok=True)

    def note_closed(self) -> None:
        """Say where the ledger ends, so that a lost tail shows."""
        if self.seq:
            end = msgspec.json.encode(LedgerEnd(self.seq, self.prev))
            replace_file(LedgerEnd.path(self._directory), [end, b"\n"])

    def close(self) -> None:
        for book in self._books.values():
            os.close(book.fd)

    def _note(self, entry: Entry, offset: int) -> None:
        self.seq, self.prev = entry.seq, entry.hash
        self._where.append(BOOKS.index(entry.book) << _OFFSET_BITS | offset)
        seqs = self._entity_seqs.get(entry.entity)
        if seqs is None:
            seqs = self._entity_seqs[entry.entity] = array("Q")
        seqs.append(entry.seq)
