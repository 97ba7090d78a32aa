"""The three books as one chain, read on past every break, so that one break is one finding and not a flood.

A line that cannot be read still takes a place in the sequence; which one follows from its neighbours. Where a place is
empty, the line after it is named: it is what stands where the missing one should.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from payrail.cli.verification.book_lines import LineReader
from payrail.cli.verification.entry_ids import EntryIds
from payrail.cli.verification.findings import Report
from payrail.cli.verification.wording import unlike_its_entry
from payrail.ledger.entry import BOOKS, GENESIS, Book, BrokenLine, Entry, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.runtime.journal.ledger_snapshot import LedgerSnapshot


class Placed(Struct, frozen=True):
    """An entry and where it stands."""

    entry: Entry
    file: str
    line: int


class _Stream:
    """One book: the next entry it offers, and how many unreadable lines lie before it."""

    def __init__(
        self, snapshot: LedgerSnapshot, book: Book, report: Report, advance: Callable[[int], None]
    ) -> None:
        self.file = f"ledger/{book}.jsonl"
        self._book = book
        self._report = report
        self._advance = advance
        self._reader = LineReader(snapshot.directory / f"{book}.jsonl", snapshot.sizes[book])
        self._lines = self._reader.lines()
        self.lines_read = 0
        self.broken = 0
        self.next: Placed | None = None
        self.move()

    @property
    def tail(self) -> bytes:
        """What follows the last newline; known once there is no next entry."""
        return self._reader.tail

    def cut_tail(self) -> None:
        """The tail has been dealt with."""
        self._reader.tail = b""

    def move(self) -> None:
        """Go to the next entry that can be read; unreadable lines are findings."""
        self.next = None
        for number, line in self._lines:
            self.lines_read = number
            self._advance(len(line) + 1)
            try:
                entry = unseal(line, DECODERS)
            except BrokenLine as error:
                self.broken += 1
                self._report.find("hash_chain", self.file, number, str(error))
                continue
            if surplus := unlike_its_entry(line, entry):
                self._report.find("wording", self.file, number, surplus)
            if entry.book != self._book:
                reason = f"the entry {entry.id} belongs to the book {entry.book}"
                self._report.find("book", self.file, number, reason)
            self.next = Placed(entry, self.file, number)
            return


class Chain:
    """Walks the books in the order of the sequence.

    `incomplete` is set from the first entry on that could not be read or is not there: what depends on it cannot be
    judged. `seq` and `last_hash` are those of the end.
    """

    def __init__(self, snapshot: LedgerSnapshot, report: Report, advance: Callable[[int], None]) -> None:
        self._report = report
        self._closed = snapshot.closed
        self._streams = [_Stream(snapshot, book, report, advance) for book in BOOKS]
        self._previous: Placed | None = None
        self._hash: str | None = GENESIS
        self._after_unreadable = False
        self._ids = EntryIds(report)
        self.seq = 0
        self.incomplete = False
        if snapshot.closed_reason:
            report.find("ledger_end", "ledger/closed.json", 1, f"it cannot be read: {snapshot.closed_reason}")

    @property
    def last_hash(self) -> str:
        return self._hash or ""

    def entries(self) -> Iterator[Placed]:
        """Every entry that can be read and stands where it belongs, in sequence."""
        while True:
            expected = self.seq + 1
            heads = [stream for stream in self._streams if stream.next is not None]
            stream = _offering(heads, expected)
            if stream is not None:
                yield self._take(stream)
            elif (early := next((s for s in heads if _seq(s) < expected and not s.broken), None)) is not None:
                self._refuse_repeated(early)
            elif (unreadable := next((s for s in self._streams if s.broken), None)) is not None:
                unreadable.broken -= 1
                self._skip_unreadable()
            elif heads and (torn := self._torn_before_others()) is not None:
                reason = "the line is cut short, though entries follow it"
                self._report.find("hash_chain", torn.file, torn.lines_read + 1, reason)
                torn.cut_tail()
                self._skip_unreadable()
            elif heads:
                self._leap(min(heads, key=_seq))
            else:
                break
        self._judge_end()
        self._ids.finish()

    def _take(self, stream: _Stream) -> Placed:
        placed = stream.next
        assert placed is not None  # noqa: S101 - only streams that offer an entry are taken from
        stream.broken = 0  # Lines before an entry that is next in the sequence took no place in it.
        entry = placed.entry
        if self._hash is not None and entry.prev != self._hash:
            before = (
                f"{self._previous.file} line {self._previous.line}" if self._previous else "the beginning"
            )
            reason = f"prev is not the hash of the entry before it, {before}"
            self._report.find("hash_chain", placed.file, placed.line, reason)
        self._ids.add(entry.id, placed.file, placed.line)
        self._judge_closed_hash(placed)
        self.seq, self._hash, self._previous = entry.seq, entry.hash, placed
        self._after_unreadable = False
        stream.move()
        return placed

    def _refuse_repeated(self, stream: _Stream) -> None:
        placed = stream.next
        assert placed is not None  # noqa: S101
        reason = f"seq {placed.entry.seq} stands after seq {self.seq}: repeated, or out of its place"
        self._report.find("sequence", placed.file, placed.line, reason)
        stream.move()

    def _skip_unreadable(self) -> None:
        self.seq += 1
        self._hash, self._previous, self._after_unreadable, self.incomplete = None, None, True, True

    def _leap(self, stream: _Stream) -> None:
        """Go on after a gap. One right after an unreadable line is that line's: two lines may have run into one."""
        placed = stream.next
        assert placed is not None  # noqa: S101
        seq = placed.entry.seq
        if not self._after_unreadable:
            missing = (
                f"seq {self.seq + 1} is" if seq == self.seq + 2 else f"seq {self.seq + 1} to {seq - 1} are"
            )
            reason = f"seq {seq} follows seq {self.seq}: {missing} missing"
            self._report.find("sequence", placed.file, placed.line, reason)
        self.seq, self._hash, self._previous, self.incomplete = seq - 1, None, None, True

    def _torn_before_others(self) -> _Stream | None:
        return next((s for s in self._streams if s.next is None and s.tail), None)

    # ---- the end --------------------------------------------------------------------------------------------------

    def _judge_closed_hash(self, placed: Placed) -> None:
        closed = self._closed
        if closed and placed.entry.seq == closed.seq and placed.entry.hash != closed.hash:
            reason = f"it is not the entry with which the ledger was closed at seq {closed.seq}"
            self._report.find("ledger_end", placed.file, placed.line, reason)

    def _judge_end(self) -> None:
        lost = self._closed is not None and self._closed.seq > self.seq
        for stream in self._streams:
            if stream.tail:
                lost = self._judge_tail(stream, lost=lost) and lost
        if lost and self._closed:
            reason = f"the ledger was closed at seq {self._closed.seq}, but its books end at seq {self.seq}"
            self._report.find("ledger_end", "ledger/closed.json", 1, reason)

    def _judge_tail(self, stream: _Stream, *, lost: bool) -> bool:
        """A crash leaves a beginning of the next line. Returns whether a lost end is still to be reported."""
        line, tail = stream.lines_read + 1, stream.tail
        beginning = b'{"seq":%d,' % (self.seq + 1)
        if _is_sealed(tail[:-1]):
            reason = "the line does not end in a newline"
        elif tail[: len(beginning)] != beginning[: len(tail)] and not self.incomplete:
            reason = f"what follows the last line is not a beginning of seq {self.seq + 1}"
        elif lost:
            reason = "the line is cut short, though the ledger was closed in order with it"
        else:
            reason = f"{len(tail)} bytes of an unfinished line; the next start moves them to quarantine"
            self._report.note("torn_tail", stream.file, line, reason)
            return lost
        self._report.find("hash_chain", stream.file, line, reason)
        return False


def _seq(stream: _Stream) -> int:
    assert stream.next is not None  # noqa: S101 - asked only of streams that offer an entry
    return stream.next.entry.seq


def _offering(heads: list[_Stream], seq: int) -> _Stream | None:
    """The stream that offers `seq`, first one with no unreadable line before it."""
    offers = [stream for stream in heads if _seq(stream) == seq]
    return min(offers, key=lambda stream: stream.broken, default=None)


def _is_sealed(line: bytes) -> bool:
    try:
        unseal(line, DECODERS)
    except BrokenLine:
        return False
    return True
