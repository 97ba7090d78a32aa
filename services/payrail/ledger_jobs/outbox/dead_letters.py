"""What nobody took, however often it was sent: `data/outbox/dead_letters.jsonl`.

A letter is a line when it dies, another one when it dies again after a redrive, and a line when it leaves the queue.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from payrail.ledger_jobs.outbox.sending import Attempt
from payrail.runtime.append_log import AppendLog

DEAD_LETTERS_FILE = "dead_letters.jsonl"


class Dead(Struct, frozen=True, tag_field="phase", tag="dead"):
    """An event that an endpoint did not take. `attempts` are all since it was last owed anew."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    merchant_id: str
    url: str
    attempts: tuple[Attempt, ...]
    dead_at: str

    def view(self, *, redriving: bool) -> dict[str, Any]:
        """The contract's `DeadLetter`."""
        last = self.attempts[-1] if self.attempts else None
        return {
            "id": self.id,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "endpoint_id": self.endpoint_id,
            "url": self.url,
            "attempts": len(self.attempts),
            "last_status": last.status if last else None,
            "last_error": last.error if last else None,
            "dead_at": self.dead_at,
            "redriving": redriving,
        }


class Drained(Struct, frozen=True, tag_field="phase", tag="drained"):
    """A letter left the queue: it was taken after all, or its endpoint was deleted."""

    id: str
    reason: Literal["accepted", "endpoint_deleted"]
    at: str


class DeadLetterNotFound(Exception):
    """No such dead letter, or another merchant's."""

    code = "not_found"
    detail = "No dead letter with this id."


_decode = msgspec.json.Decoder(Dead | Drained).decode


class DeadLetters:
    """The queue. Changes are durable when they return; they raise `LogUnavailable`."""

    def __init__(self, directory: Path) -> None:
        self._log = AppendLog.open(directory / DEAD_LETTERS_FILE, name="outbox.dead_letters")
        self._letters: dict[str, Dead] = {}
        self._ids: dict[tuple[str, str], str] = {}
        for _, line in self._log.lines():
            self._fold(_decode(line))

    def find(self, merchant_id: str, letter_id: str) -> Dead:
        """The merchant's dead letter. Raises `DeadLetterNotFound`."""
        letter = self._letters.get(letter_id)
        if letter is None or letter.merchant_id != merchant_id:
            raise DeadLetterNotFound
        return letter

    def of(self, merchant_id: str) -> Mapping[str, Dead]:
        """The merchant's dead letters by id, in the order in which they died first."""
        return {letter.id: letter for letter in self._letters.values() if letter.merchant_id == merchant_id}

    def about(self, event_id: str, endpoint_id: str) -> Dead | None:
        """The dead letter of an event at an endpoint."""
        return self._letters.get(self._ids.get((event_id, endpoint_id), ""))

    def all(self) -> Sequence[Dead]:
        """Every dead letter."""
        return list(self._letters.values())

    async def bury(self, letter: Dead) -> None:
        """Add it to the queue, or put it in place of what it was."""
        await self._write(letter)

    async def drain(self, letter: Dead, reason: Literal["accepted", "endpoint_deleted"], at: str) -> None:
        """Take it out of the queue."""
        await self._write(Drained(letter.id, reason, at))

    def close(self) -> None:
        """Release the file."""
        self._log.close()

    async def _write(self, line: Dead | Drained) -> None:
        await self._log.append(msgspec.json.encode(line))
        self._fold(line)

    def _fold(self, line: Dead | Drained) -> None:
        if isinstance(line, Dead):
            self._letters[line.id] = line
            self._ids[line.event_id, line.endpoint_id] = line.id
        elif letter := self._letters.pop(line.id, None):
            self._ids.pop((letter.event_id, letter.endpoint_id), None)
