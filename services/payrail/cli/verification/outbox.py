"""The outbox beside the ledger: its events are what the ledger makes, and what was accepted or died is of them.

The files are measured before the ledger is, so that all that is in them follows from entries that are read after.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from payrail.cli.verification.book_lines import LineReader
from payrail.cli.verification.findings import Report
from payrail.ledger.events import event_of, may_make_event, seq_of
from payrail.ledger.state import Committed
from payrail.ledger_jobs.outbox.dead_letters import DEAD_LETTERS_FILE
from payrail.ledger_jobs.outbox.events_file import EVENTS_END_FILE, EVENTS_FILE, EventsEnd, line_of
from payrail.ledger_jobs.outbox.processed import PROCESSED_FILE
from payrail.ledger_jobs.outbox.signing import KEY_FILE, SigningKeys

CHECK = "outbox"
EVENTS = f"outbox/{EVENTS_FILE}"
EVENTS_END = f"outbox/{EVENTS_END_FILE}"
SIGNING_KEY = f"outbox/{KEY_FILE}"
_REFERRING = (f"outbox/{PROCESSED_FILE}", f"outbox/{PROCESSED_FILE}.log", f"outbox/{DEAD_LETTERS_FILE}")
_EVENT_ID = re.compile(rb'"(evt_[0-9A-HJKMNP-TV-Z]{26})')
_ENDPOINT_ID = re.compile(rb'"(whe_[0-9A-HJKMNP-TV-Z]{26})"')
_SECRET = re.compile(rb"whsec_[A-Za-z0-9+/]{32,88}={0,2}")


class _Head(msgspec.Struct):
    id: str


_decode_head = msgspec.json.Decoder(_Head).decode


class OutboxProof:
    """Compares the events that entries make, which `expect` is told one after the other, with the file of events."""

    def __init__(self, data_dir: Path, report: Report) -> None:
        self._report = report
        self._closed_seq = _closed_seq(data_dir / EVENTS_END, report)
        self._lines = _lines_of(data_dir / EVENTS)
        self._next: tuple[int, bytes, int] | None = None
        self._last_seq = 0
        self._unexpected: list[tuple[int, str]] = []
        self._unseen = {event_id: place for place, event_id in _references(data_dir)}
        self._advance()

    def expect(self, committed: Committed) -> None:
        """An entry that is good makes this of its things: its event, if it makes one, comes next in the file."""
        if (self._next is None and not self._unseen) or not may_make_event(committed.entry):
            return
        event = event_of(committed)
        if event is None:
            return
        self._unseen.pop(event.id, None)
        while self._next is not None and self._next[2] < committed.entry.seq:
            self._unexpected.append((self._next[0], f"no entry makes the event of entry {self._next[2]}"))
            self._advance()
        if self._next is None:
            return
        number, line, seq = self._next
        if seq > committed.entry.seq:
            self._find(number, f"the event of entry {committed.entry.seq}, {event.id}, is missing before it")
            return
        if line != line_of(event):
            self._find(number, f"the event is not what entry {seq} makes")
        self._advance()

    def finish(self, *, whole: bool) -> None:
        """Judge what no entry of the ledger made. Where the ledger is not `whole`, nobody can tell."""
        while self._next is not None:
            self._unexpected.append((self._next[0], f"no entry makes the event of entry {self._next[2]}"))
            self._advance()
        if self._last_seq < self._closed_seq:
            reason = f"the events were closed at that of entry {self._closed_seq}, but end at that of {self._last_seq}"
            self._report.find(CHECK, EVENTS_END, 1, reason)
        if not whole:
            return
        for number, reason in self._unexpected:
            self._find(number, reason)
        for event_id, (file, number) in self._unseen.items():
            self._report.find(CHECK, file, number, f"no entry makes the event {event_id}")

    def _advance(self) -> None:
        """Go on to the next line that is an event after the last one."""
        for number, line in self._lines:
            try:
                seq = seq_of(_decode_head(line).id)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                self._find(number, f"the line is no event: {error}")
                continue
            if seq <= self._last_seq:
                self._find(number, f"the event of entry {seq} comes after that of entry {self._last_seq}")
                continue
            self._last_seq = seq
            self._next = (number, line, seq)
            return
        self._next = None

    def _find(self, number: int, reason: str) -> None:
        self._report.find(CHECK, EVENTS, number, reason)


class StoredSecrets:
    """The secrets of endpoints, and the key they come from: none may stand in any file but the key in its own."""

    def __init__(self, data_dir: Path) -> None:
        self._key = b""
        self._secrets: frozenset[bytes] = frozenset()
        try:
            keys = SigningKeys.read(data_dir / SIGNING_KEY)
        except (OSError, ValueError):
            return  # That it cannot be read is judged with the other documents.
        self._key = keys.text()
        names = [data_dir / "outbox" / name for name in ("endpoints.json", "endpoints.json.log")]
        ids = {found for path in names for _, line in _lines_of(path) for found in _ENDPOINT_ID.findall(line)}
        self._secrets = frozenset(keys.secret_of(one.decode()).encode() for one in ids)

    def stands_in(self, line: bytes, name: str) -> bool:
        """Whether one of them stands in a line of the file with this name."""
        if self._key and name != SIGNING_KEY and self._key in line:
            return True
        return b"whsec_" in line and not self._secrets.isdisjoint(_SECRET.findall(line))


def _lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    return LineReader(path, path.stat().st_size).lines() if path.exists() else iter(())


def _closed_seq(path: Path, report: Report) -> int:
    """The entry of the event with which the file of events was closed in order; 0 where nobody noted it.

    It is read before the events are: a stack that starts takes it away first.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=EventsEnd).seq
    except FileNotFoundError:
        return 0
    except msgspec.MsgspecError as error:
        report.find(CHECK, EVENTS_END, 1, f"it cannot be read: {error}")
        return 0


def _references(data_dir: Path) -> Iterator[tuple[tuple[str, int], str]]:
    """The events that were accepted or died, with the place that says so."""
    for name in _REFERRING:
        for number, line in _lines_of(data_dir / name):
            for event_id in _EVENT_ID.findall(line):
                yield (name, number), event_id.decode()
