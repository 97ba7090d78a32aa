"""What was accepted, and how far each endpoint is: `data/outbox/processed_events.json` and `progress.json`.

`processed_events.json` says of an event at an endpoint that it was accepted, and nothing else is ever in it. What is
still being tried is in `progress.json`, with the place up to which everything is settled; that place may lag, since
what was accepted is not sent again.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger_jobs.outbox.sending import Attempt
from payrail.runtime.keyed_store import KeyedStore

PROCESSED_FILE = "processed_events.json"
PROGRESS_FILE = "progress.json"
RESEND_PREFIX = "rsd"


class Accepted(Struct, frozen=True):
    """An endpoint took an event: when first, when last, and every try there was."""

    event_id: str
    endpoint_id: str
    merchant_id: str
    accepted_at: str
    last_accepted_at: str
    attempts: tuple[Attempt, ...]


class Processed:
    """What was accepted, by event and endpoint. Raises `LogUnavailable` where it cannot be written."""

    def __init__(self, directory: Path) -> None:
        self._store = KeyedStore.open(directory / PROCESSED_FILE, name="outbox.processed")

    def get(self, event_id: str, endpoint_id: str) -> Accepted | None:
        record = self._store.get(key_of(event_id, endpoint_id))
        return None if record is None else msgspec.convert(record, Accepted)

    async def put(self, accepted: Accepted) -> None:
        """It was accepted; if that is known, it was accepted again."""
        known = self.get(accepted.event_id, accepted.endpoint_id)
        if known is not None:
            accepted = replace(
                accepted, accepted_at=known.accepted_at, attempts=(*known.attempts, *accepted.attempts)
            )
        key = key_of(accepted.event_id, accepted.endpoint_id)
        await self._store.put(key, msgspec.to_builtins(accepted))

    async def close(self) -> None:
        """Release the file."""
        await self._store.close()


class Trying(Struct, frozen=True):
    """An event that was not taken yet: every try so far, and when the next one is due, in the stack's milliseconds."""

    event_id: str
    attempts: tuple[Attempt, ...] = ()
    due_ms: int = 0


class Place(Struct, frozen=True):
    """Where an endpoint is: all of its events through this one of the ledger are settled."""

    through_seq: int
    trying: Trying | None = None


class Resend(Struct, frozen=True):
    """An event that somebody wants to be sent again to an endpoint."""

    id: str
    endpoint_id: str
    merchant_id: str
    trying: Trying


class ProgressFile:
    """Places by endpoint, and what is to be sent again. Raises `LogUnavailable` where it cannot be written."""

    def __init__(self, directory: Path) -> None:
        self._store = KeyedStore.open(directory / PROGRESS_FILE, name="outbox.progress")

    def place(self, endpoint_id: str) -> Place | None:
        record = self._store.get(endpoint_id)
        return None if record is None else msgspec.convert(record, Place)

    def resends(self) -> Iterator[Resend]:
        """What is to be sent again, in the order in which it was asked for."""
        for key, record in self._store.items():
            if key.startswith(RESEND_PREFIX):
                yield msgspec.convert(record, Resend)

    async def put(self, key: str, record: Place | Resend) -> None:
        """Set the place of an endpoint, or what is to be sent again."""
        await self._store.put(key, msgspec.to_builtins(record))

    async def delete(self, *keys: str) -> None:
        """Forget it: it is settled, or of an endpoint that is gone."""
        await self._store.apply(delete=[key for key in keys if key in self._store])

    async def close(self) -> None:
        """Release the file."""
        await self._store.close()


def key_of(event_id: str, endpoint_id: str) -> str:
    """The key of an event at an endpoint."""
    return f"{event_id}/{endpoint_id}"
