"""Lanes: what goes to one endpoint one after the other, in a task of its own, so that no endpoint waits for another.

Each endpoint has two: its events in their order, and beside them what somebody wants to be sent again.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec.structs import replace

from payrail.ledger_jobs.outbox.courier import Courier
from payrail.ledger_jobs.outbox.endpoints import Endpoint
from payrail.ledger_jobs.outbox.events_file import Queued
from payrail.ledger_jobs.outbox.processed import Place, Resend, Trying
from payrail.runtime.waking import woken_within

_PLACE_EVERY = 64
_TROUBLE_PAUSE_S = 1.0

logger = logging.getLogger(__name__)

#: Sends what is due; for how many seconds nothing is due then, none if for as long as nothing new comes.
Work = Callable[[], Awaitable[float | None]]


class Queue(Protocol):
    """What is to go to an endpoint."""

    async def work(self) -> float | None:
        """See `Work`."""
        ...

    @property
    def waiting(self) -> int:
        """How much waits, as far as it was looked at."""
        ...

    @property
    def retry_due_ms(self) -> int | None:
        """When what failed is to be tried again, by the clock; none if nothing waits for a time that is to come."""
        ...


class Lane:
    """Works a queue off in a task. `trouble` is why it could not go on, until it can again."""

    def __init__(self, queue: Queue, name: str, recheck_s: float) -> None:
        self.queue = queue
        self.trouble: Exception | None = None
        self._recheck_s = recheck_s
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=name)

    def poke(self) -> None:
        """There may be something due."""
        self._quiet.clear()
        self._wake.set()

    async def quiet(self) -> None:
        """Return when nothing is due any more."""
        await self._quiet.wait()

    async def stop(self) -> None:
        """End it; what is being sent is cut off, and sent again later."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause_s = await self._turn()
            if not self._wake.is_set():
                self._quiet.set()
            await woken_within(self._wake, pause_s)
            self._quiet.clear()

    async def _turn(self) -> float:
        try:
            wait_s = await self.queue.work()
        except Exception as error:
            # The boundary of a lane: it tries again, and the loop's health tells of it.
            logger.exception("%s cannot go on", self._task.get_name())
            self.trouble = error
            return _TROUBLE_PAUSE_S
        self.trouble = None
        return self._recheck_s if wait_s is None else min(wait_s, self._recheck_s)


class EventQueue:
    """An endpoint's events, in the order of the ledger. The next one goes out when the one before it is settled."""

    def __init__(self, endpoint: Endpoint, courier: Courier) -> None:
        self._endpoint_id = endpoint.id
        self._merchant_id = endpoint.merchant_id
        self._courier = courier
        place = courier.files.progress.place(endpoint.id) or Place(endpoint.from_seq)
        self.through_seq = place.through_seq
        self.trying = place.trying
        self._offset = courier.files.events.offset_after(place.through_seq)
        self._next: deque[Queued] = deque()
        self._unwritten = 0

    @property
    def waiting(self) -> int:
        return len(self._next)

    @property
    def retry_due_ms(self) -> int | None:
        due_ms = self.trying.due_ms if self.trying is not None else 0
        return due_ms if due_ms > self._courier.now_ms() else None

    async def work(self) -> float | None:
        while (endpoint := self._endpoint()) is not None and (queued := self._first()) is not None:
            if self._is_over(endpoint, queued):
                await self._move_on(queued)
                continue
            trying = self.trying
            if trying is None or trying.event_id != queued.id:
                trying = Trying(queued.id)
            if (wait_ms := trying.due_ms - self._courier.now_ms()) > 0:
                return wait_ms / 1000
            self.trying = await self._courier.attempt(endpoint, queued, trying)
            if self.trying is None:
                await self._move_on(queued)
            else:
                await self._write()
        return None

    def hurry(self, event_id: str) -> None:
        """If the event waits for another try, it is due now."""
        if self.trying is not None and self.trying.event_id == event_id:
            self.trying = replace(self.trying, due_ms=0)

    async def write_place(self) -> None:
        """Keep how far it is, so that less has to be looked at when it goes on."""
        if self._unwritten:
            await self._write()

    def _endpoint(self) -> Endpoint | None:
        endpoint = self._courier.files.endpoints.known(self._endpoint_id)
        return endpoint if endpoint is not None and endpoint.enabled else None

    def _first(self) -> Queued | None:
        if not self._next:
            found, self._offset = self._courier.files.events.read(self._offset, self._merchant_id)
            self._next.extend(found)
        return self._next[0] if self._next else None

    def _is_over(self, endpoint: Endpoint, queued: Queued) -> bool:
        return (
            queued.seq <= self.through_seq
            or not endpoint.wants(queued.type)
            or self._courier.is_settled(queued.id, endpoint.id)
        )

    async def _move_on(self, queued: Queued) -> None:
        self._next.popleft()
        self.through_seq = max(self.through_seq, queued.seq)
        self.trying = None
        self._unwritten += 1
        if self._unwritten >= _PLACE_EVERY:
            await self._write()

    async def _write(self) -> None:
        self._unwritten = 0
        await self._courier.files.progress.put(self._endpoint_id, Place(self.through_seq, self.trying))


class ResendQueue:
    """What somebody wants to be sent again to an endpoint, beside its events: in order of asking, as it is due."""

    def __init__(self, endpoint: Endpoint, courier: Courier) -> None:
        self._endpoint_id = endpoint.id
        self._courier = courier
        self._resends = {
            resend.trying.event_id: resend
            for resend in courier.files.progress.resends()
            if resend.endpoint_id == endpoint.id
        }

    @property
    def waiting(self) -> int:
        return len(self._resends)

    @property
    def retry_due_ms(self) -> int | None:
        dues_ms = [one.trying.due_ms for one in self._resends.values()]
        return min((due_ms for due_ms in dues_ms if due_ms > self._courier.now_ms()), default=None)

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._resends

    def get(self, event_id: str) -> Resend | None:
        """What is to be sent again of the event."""
        return self._resends.get(event_id)

    async def add(self, resend: Resend) -> None:
        """Have it sent again; one that waits already is due now. Durable when it returns."""
        event_id = resend.trying.event_id
        known = self._resends.get(event_id)
        if known is not None:
            self._resends[event_id] = replace(known, trying=replace(known.trying, due_ms=0))
            return
        await self._courier.files.progress.put(resend.id, resend)
        self._resends[event_id] = resend

    async def work(self) -> float | None:
        files = self._courier.files
        while self._resends:
            resend = min(self._resends.values(), key=lambda one: one.trying.due_ms)
            endpoint = files.endpoints.known(self._endpoint_id)
            queued = files.events.find(resend.trying.event_id)
            if endpoint is None or not endpoint.enabled or queued is None:
                await self._settled(resend)
                continue
            if (wait_ms := resend.trying.due_ms - self._courier.now_ms()) > 0:
                return wait_ms / 1000
            trying = await self._courier.attempt(endpoint, queued, resend.trying)
            if trying is None:
                await self._settled(resend)
            else:
                later = replace(resend, trying=trying)
                await files.progress.put(later.id, later)
                self._resends[queued.id] = later
        return None

    async def _settled(self, resend: Resend) -> None:
        await self._courier.files.progress.delete(resend.id)
        self._resends.pop(resend.trying.event_id, None)
