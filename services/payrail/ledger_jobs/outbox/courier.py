"""One try to have an endpoint take an event, and what its outcome makes of the files."""

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger_jobs.outbox.dead_letters import Dead, DeadLetters
from payrail.ledger_jobs.outbox.endpoints import Endpoint, Endpoints
from payrail.ledger_jobs.outbox.events_file import EventsFile, Queued
from payrail.ledger_jobs.outbox.processed import Accepted, Processed, ProgressFile, Trying
from payrail.ledger_jobs.outbox.retries import TRIES_MAX, pause_s
from payrail.ledger_jobs.outbox.sending import Attempt, Sender
from payrail.ledger_jobs.outbox.signing import signed_headers
from payrail.runtime import faults
from payrail.runtime.clock import Clock, rfc3339_of_ms

GONE = 410

BEFORE_SEND = faults.declare("outbox.before_send", "an event is due at an endpoint, nothing is sent")
AFTER_SEND = faults.declare("outbox.after_send", "the endpoint has answered, nothing is written of it")
AFTER_ACCEPTED = faults.declare(
    "outbox.after_accepted", "an acceptance is durable, the endpoint has not moved on"
)
AFTER_BURIED = faults.declare(
    "outbox.after_buried", "a dead letter is durable, the endpoint has not moved on"
)

logger = logging.getLogger(__name__)


class Files(Struct, frozen=True):
    """The files of the outbox."""

    endpoints: Endpoints
    events: EventsFile
    processed: Processed
    progress: ProgressFile
    dead_letters: DeadLetters


class Courier:
    """Sends events, and writes down what was accepted and what is dead."""

    def __init__(
        self,
        files: Files,
        sender: Sender,
        *,
        clock: Clock,
        rng: random.Random,
        new_id: Callable[[str], str],
        secret_of: Callable[[Endpoint], str],
    ) -> None:
        self.files = files
        self._sender = sender
        self._clock = clock
        self._rng = rng
        self._new_id = new_id
        self._secret_of = secret_of

    def now_ms(self) -> int:
        """The stack's time."""
        return self._clock.now_ms()

    def is_settled(self, event_id: str, endpoint_id: str) -> bool:
        """Whether the endpoint has taken the event, or is never going to by itself."""
        files = self.files
        return (
            files.processed.get(event_id, endpoint_id) is not None
            or files.dead_letters.about(event_id, endpoint_id) is not None
        )

    async def attempt(self, endpoint: Endpoint, queued: Queued, trying: Trying) -> Trying | None:
        """Send it once: none when it is settled by that, else what is to be known at the next try."""
        faults.point(BEFORE_SEND)
        at = rfc3339_of_ms(self.now_ms())
        body = queued.body
        headers = {
            **signed_headers(self._secret_of(endpoint), queued.id, datetime.now(UTC), body),
            "content-type": "application/json",
            "user-agent": "PayRail",
            "x-correlation-id": queued.correlation_id,
        }
        answered = await self._sender.post(endpoint.url, headers, body)
        faults.point(AFTER_SEND)
        tried = Attempt(at, answered.status, answered.error, answered.duration_ms)
        attempts = (*trying.attempts, tried)
        if tried.error is None:
            await self._accept(endpoint, queued, attempts)
            return None
        logger.info("%s did not take %s: %s", endpoint.id, queued.id, answered.status or answered.error)
        if tried.status == GONE or len(attempts) >= TRIES_MAX:
            await self._bury(endpoint, queued, attempts)
            return None
        pause_ms = round(pause_s(len(attempts), self._rng, answered.retry_after_s) * 1000)
        return replace(trying, attempts=attempts, due_ms=self.now_ms() + pause_ms)

    async def reconcile(self) -> None:
        """Take letters out of the queue that were accepted just before a crash, or whose endpoint is deleted."""
        for letter in self.files.dead_letters.all():
            endpoint = self.files.endpoints.known(letter.endpoint_id)
            if endpoint is None or endpoint.deleted_at is not None:
                at = rfc3339_of_ms(self.now_ms())
                await self.files.dead_letters.drain(letter, "endpoint_deleted", at)
                continue
            accepted = self.files.processed.get(letter.event_id, letter.endpoint_id)
            if accepted is not None and accepted.last_accepted_at >= letter.dead_at:
                await self.files.dead_letters.drain(letter, "accepted", accepted.last_accepted_at)

    async def _accept(self, endpoint: Endpoint, queued: Queued, attempts: tuple[Attempt, ...]) -> None:
        at = rfc3339_of_ms(self.now_ms())
        accepted = Accepted(queued.id, endpoint.id, endpoint.merchant_id, at, at, attempts)
        await self.files.processed.put(accepted)
        faults.point(AFTER_ACCEPTED)
        letter = self.files.dead_letters.about(queued.id, endpoint.id)
        if letter is not None:
            await self.files.dead_letters.drain(letter, "accepted", at)

    async def _bury(self, endpoint: Endpoint, queued: Queued, attempts: tuple[Attempt, ...]) -> None:
        at = rfc3339_of_ms(self.now_ms())
        known = self.files.dead_letters.about(queued.id, endpoint.id)
        letter = Dead(
            known.id if known else self._new_id("dlq"), queued.id, queued.type, endpoint.id,
            endpoint.merchant_id, endpoint.url, attempts, at,
        )  # fmt: skip
        await self.files.dead_letters.bury(letter)
        faults.point(AFTER_BURIED)
        if attempts[-1].status == GONE:
            await self.files.endpoints.disable(endpoint.id, "gone", at)
