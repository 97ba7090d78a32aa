"""The dispatcher: follows the ledger, writes its events down, and has a pair of lanes for each endpoint.

Only the process that has the outbox job has one open. What it has in memory follows from the files, so that it goes on
after a crash where the files are.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger.events import Event, event_of, may_make_event
from payrail.ledger_jobs.loops import Job, JobElsewhere, Run
from payrail.ledger_jobs.outbox.courier import Courier, Files
from payrail.ledger_jobs.outbox.dead_letters import DeadLetters
from payrail.ledger_jobs.outbox.endpoints import Endpoint, Endpoints
from payrail.ledger_jobs.outbox.events_file import EventsFile
from payrail.ledger_jobs.outbox.lanes import EventQueue, Lane, ResendQueue
from payrail.ledger_jobs.outbox.processed import Place, Processed, ProgressFile
from payrail.ledger_jobs.outbox.sending import Sender
from payrail.ledger_jobs.outbox.signing import SigningKeys
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.clock import Clock, rfc3339_of_ms
from payrail.runtime.journal import Follower, Journal, LedgerUnavailable

_GATHER_S = 0.01
_QUIET_S_MAX = 60.0
_END_S_MAX = 2.0


class OutboxTerms(Struct, frozen=True):
    """What the settings say of webhooks. `settings_url` is the endpoint that they name for one merchant, or empty."""

    interval_s: float
    timeout_s: float
    public_only: bool
    seed: int
    settings_merchant: str
    settings_url: str
    settings_secret: str


class EndpointLanes(Struct, frozen=True):
    """The two lanes of an endpoint."""

    events: EventQueue
    resends: ResendQueue
    lanes: tuple[Lane, Lane]

    def poke(self) -> None:
        for lane in self.lanes:
            lane.poke()

    async def stop(self) -> None:
        for lane in self.lanes:
            await lane.stop()


class _Open(Struct, frozen=True):
    """What there is while this process has the outbox."""

    files: Files
    courier: Courier
    keys: SigningKeys
    follower: Follower
    lanes: dict[str, EndpointLanes]


class Dispatcher:
    """The outbox of a data directory. Its operations raise `JobElsewhere` while another process has it."""

    def __init__(
        self, data_dir: Path, journal: Journal, clock: Clock, new_id: Callable[[str], str], terms: OutboxTerms
    ) -> None:
        self._directory = data_dir / "outbox"
        self._journal = journal
        self._clock = clock
        self._new_id = new_id
        self._terms = terms
        self._deriving = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._open: _Open | None = None
        #: Called when the ledger has something new; to be set before this process takes the job.
        self.on_news: Callable[[], None] = lambda: None

    # ---- as a job -------------------------------------------------------------------------------------------------

    def job(self) -> Job:
        """The job to be run in a loop."""
        terms = self._terms
        return Job(
            "outbox",
            terms.interval_s,
            self.work,
            opened=self.opened,
            backlog=self.backlog,
            gather_s=_GATHER_S,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Have the outbox for the length of the block."""
        async with AsyncExitStack() as closing:
            self._open = await self._begin(closing)
            try:
                for endpoint in self._open.files.endpoints.enabled():
                    self._start(endpoint)
                yield
            finally:
                await self._derive_the_rest()
                opened, self._open = self._open, None
                for lanes in opened.lanes.values():
                    await lanes.stop()
                    await lanes.events.write_place()

    async def work(self, run: Run) -> Mapping[str, Any]:
        """Write down what the ledger has new, and send what is due. A move of the clock waits for what is sent."""
        written = await self.derive()
        lanes = self.lanes().values()
        if run.trigger != "schedule":
            for one in lanes:
                one.poke()
            await self._quiet()
        for one in lanes:
            for lane in one.lanes:
                if lane.trouble is not None:
                    raise lane.trouble
        return {"events": written}

    def backlog(self) -> int | None:
        """How much waits, as far as it was looked at."""
        if self._open is None:
            return None
        waiting = sum(lane.queue.waiting for one in self._open.lanes.values() for lane in one.lanes)
        return self._open.follower.behind + waiting

    def next_due_at(self) -> str | None:
        """When the next webhook that failed is to be tried again, RFC 3339; none if none waits for a time that is to
        come, or another process has the outbox."""
        if self._open is None:
            return None
        queues = [lane.queue for one in self._open.lanes.values() for lane in one.lanes]
        dues = [queue.retry_due_ms for queue in queues if queue.retry_due_ms is not None]
        return rfc3339_of_ms(min(dues)) if dues else None

    # ---- for its operations ---------------------------------------------------------------------------------------

    @property
    def files(self) -> Files:
        return self._require_open().files

    @property
    def public_only(self) -> bool:
        return self._terms.public_only

    def lanes(self) -> Mapping[str, EndpointLanes]:
        """The lanes of each endpoint that webhooks are sent to."""
        return self._require_open().lanes

    def new_id(self, prefix: str) -> str:
        return self._new_id(prefix)

    def now(self) -> str:
        """The stack's time: RFC 3339 UTC with milliseconds."""
        return rfc3339_of_ms(self._clock.now_ms())

    def secret_of(self, endpoint: Endpoint) -> str:
        """The secret that the endpoint's webhooks are signed with."""
        return self._secret_by(self._require_open().keys, endpoint)

    async def derive(self) -> int:
        """Write the events of everything that is in the ledger now; how many there were."""
        opened = self._require_open()
        written = 0
        async with self._deriving:
            await self._journal.catch_up()
            while committed := await opened.follower.take():
                events = [event for one in committed if (event := event_of(one)) is not None]
                if events:
                    await self._write_down(opened, events)
                    self._poke({event.merchant_id for event in events})
                written += len(events)
        return written

    async def add(self, endpoint: Endpoint) -> Endpoint:
        """Send webhooks to a new endpoint, of what comes into the ledger from now on."""
        await self._journal.catch_up()
        endpoint = replace(endpoint, from_seq=self._journal.seq)
        await self.files.endpoints.put(endpoint)
        self._start(endpoint)
        return endpoint

    async def enable(self, merchant_id: str, endpoint_id: str) -> Endpoint:
        """Send webhooks there again, of what comes into the ledger from now on; its lanes begin anew behind what it
        missed. Raises `EndpointNotFound`."""
        opened = self._require_open()
        async with self._changing:
            endpoint = opened.files.endpoints.find(merchant_id, endpoint_id)
            if endpoint.enabled:
                return endpoint
            await self._stop(endpoint)
            await self._journal.catch_up()
            await opened.files.progress.put(endpoint.id, Place(self._journal.seq))
            enabled = replace(endpoint, disabled_at=None, disabled_reason=None)
            await opened.files.endpoints.put(enabled)
            self._start(enabled)
            return enabled

    async def remove(self, merchant_id: str, endpoint_id: str) -> None:
        """Send nothing there any more, and forget what waits for it. Raises `EndpointNotFound`."""
        opened = self._require_open()
        async with self._changing:
            endpoint = opened.files.endpoints.find(merchant_id, endpoint_id)
            await opened.files.endpoints.put(replace(endpoint, deleted_at=self.now()))
            await self._stop(endpoint)
            await self._forget(endpoint)

    # ---- inside ---------------------------------------------------------------------------------------------------

    async def _begin(self, closing: AsyncExitStack) -> _Open:
        directory, terms = self._directory, self._terms
        keys = SigningKeys.open(directory)
        endpoints = Endpoints(directory / "endpoints.json")
        closing.push_async_callback(endpoints.close)
        events = EventsFile(directory)
        closing.callback(events.close)
        processed = Processed(directory)
        closing.push_async_callback(processed.close)
        progress = ProgressFile(directory)
        closing.push_async_callback(progress.close)
        dead_letters = DeadLetters(directory)
        closing.callback(dead_letters.close)
        sender = Sender(terms.timeout_s, public_only=terms.public_only)
        closing.push_async_callback(sender.close)
        files = Files(endpoints, events, processed, progress, dead_letters)
        courier = Courier(
            files, sender, clock=self._clock, rng=random.Random(terms.seed), new_id=self._new_id,  # noqa: S311
            secret_of=partial(self._secret_by, keys),
        )  # fmt: skip
        await self._take_from_settings(endpoints)
        await courier.reconcile()
        follower = self._journal.follow(events.last_seq, may_make_event, self.on_news)
        closing.callback(follower.close)
        return _Open(files, courier, keys, follower, {})

    async def _write_down(self, opened: _Open, events: Sequence[Event]) -> None:
        """Append them; what a full disk refuses is taken from the ledger again, before anything that comes later."""
        try:
            await opened.files.events.append(events)
        except LogUnavailable:
            opened.follower.go_back(opened.files.events.last_seq)
            raise

    def _secret_by(self, keys: SigningKeys, endpoint: Endpoint) -> str:
        """For lanes that send while the outbox is being closed, too."""
        return self._terms.settings_secret if endpoint.from_settings else keys.secret_of(endpoint.id)

    async def _derive_the_rest(self) -> None:
        """Write down what came while this ended. A long rest, or one that a disk refuses, is left to the next start."""
        with contextlib.suppress(TimeoutError, LogUnavailable, LedgerUnavailable):
            async with asyncio.timeout(_END_S_MAX):
                await self.derive()

    async def _take_from_settings(self, endpoints: Endpoints) -> None:
        """Have the endpoint that the settings name, and none that they name no longer."""
        terms, known = self._terms, endpoints.from_settings()
        if known is not None and (known.url, known.merchant_id) != (
            terms.settings_url,
            terms.settings_merchant,
        ):
            await endpoints.put(replace(known, deleted_at=self.now()))
            known = None
        if known is None and terms.settings_url:
            await endpoints.put(
                Endpoint(
                    self._new_id("whe"), terms.settings_merchant, terms.settings_url, self.now(),
                    self._journal.seq, description="From the settings", from_settings=True,
                )
            )  # fmt: skip

    def _start(self, endpoint: Endpoint) -> None:
        opened = self._require_open()
        events, resends = EventQueue(endpoint, opened.courier), ResendQueue(endpoint, opened.courier)
        recheck_s = self._terms.interval_s
        lanes = (
            Lane(events, f"events to {endpoint.id}", recheck_s),
            Lane(resends, f"resends to {endpoint.id}", recheck_s),
        )
        opened.lanes[endpoint.id] = EndpointLanes(events, resends, lanes)

    async def _stop(self, endpoint: Endpoint) -> None:
        lanes = self._require_open().lanes.pop(endpoint.id, None)
        if lanes is not None:
            await lanes.stop()

    async def _forget(self, endpoint: Endpoint) -> None:
        opened, at = self._require_open(), self.now()
        for letter in opened.files.dead_letters.all():
            if letter.endpoint_id == endpoint.id:
                await opened.files.dead_letters.drain(letter, "endpoint_deleted", at)
        resends = [one.id for one in opened.files.progress.resends() if one.endpoint_id == endpoint.id]
        await opened.files.progress.delete(endpoint.id, *resends)

    def _poke(self, merchants: set[str]) -> None:
        opened = self._require_open()
        for endpoint_id, lanes in opened.lanes.items():
            endpoint = opened.files.endpoints.known(endpoint_id)
            if endpoint is not None and endpoint.merchant_id in merchants:
                lanes.poke()

    async def _quiet(self) -> None:
        """Return when no lane has anything due; a receiver that hangs holds nobody up for longer than a minute."""
        waits = [lane.quiet() for one in self.lanes().values() for lane in one.lanes]
        if waits:
            tasks = [asyncio.ensure_future(wait) for wait in waits]
            _, late = await asyncio.wait(tasks, timeout=_QUIET_S_MAX)
            for task in late:
                task.cancel()

    def _require_open(self) -> _Open:
        if self._open is None:
            raise JobElsewhere
        return self._open
