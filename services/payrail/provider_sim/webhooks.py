"""Sending webhooks: what is due goes out signed, and again after growing pauses until the gateway has taken it.

What was settled is a line of ``<provider>_webhooks.jsonl``. A crash between the gateway's answer and that line sends
the webhook once more, under the same id.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from payrail.provider_sim.failures import Mode, Strike
from payrail.provider_sim.notices import PER_RECORD, Notice, Settled, notices_of
from payrail.provider_sim.operations import Record
from payrail.provider_sim.profiles import Profile
from payrail.runtime import faults
from payrail.runtime.append_log import AppendLog, LogUnavailable
from payrail.runtime.clock import Clock, rfc3339_of_ms

BACKOFF_S_FIRST = 1.0
BACKOFF_S_MAX = 300.0
TRIES_MAX = 16
_AT_ONCE_MAX = 8

BEFORE_SEND = faults.declare("sim.webhook.before_send", "a webhook is due, nothing is sent")
AFTER_SEND = faults.declare(
    "sim.webhook.after_send", "the gateway has taken a webhook, nothing is written of it"
)

logger = logging.getLogger(__name__)

Result = Literal["delivered", "dropped", "void", "given_up"]


class Message(msgspec.Struct, frozen=True):
    """A webhook on its way out. ``badly_signed``: its signature is to be a wrong one."""

    id: str
    provider_id: str
    sent_at: datetime
    body: Mapping[str, Any]
    badly_signed: bool = False


#: Sends a message; whether the gateway took it. Raises nothing.
Send = Callable[[Message], Awaitable[bool]]
#: The body of a notice, none when it is true no longer.
Compose = Callable[[Notice], tuple[str, Mapping[str, Any]] | None]
#: What a failure makes of a notice; its uses are durable when it returns.
Hit = Callable[[Notice], Awaitable[Strike]]


class SettledLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """Line of the file: this notice needs no sending any more, or, with ``through``, none before that one does."""

    ordinal: int | None = None
    result: Result | None = None
    at: str | None = None
    through: int | None = None


class _Try(msgspec.Struct):
    """A notice that waits: since when, by the clock or by real time, it is due, and how often it was sent."""

    notice: Notice
    due_at: str
    due_s: float = 0.0
    tries: int = 0
    held_back: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SettledLine).decode


class Outbox:
    """The webhooks that one provider owes."""

    def __init__(self, profile: Profile, clock: Clock, log: AppendLog, rng: random.Random) -> None:
        self._profile = profile
        self._clock = clock
        self._log = log
        self._rng = rng
        self._settled = Settled()
        self._records = 0
        self._waiting: dict[int, _Try] = {}
        self._settling: set[asyncio.Future[int]] = set()
        self._sending = asyncio.Lock()

    @classmethod
    def open(cls, profile: Profile, directory: Path, clock: Clock, *, seed: int) -> Self:
        """Open or make the file. `add` the records there are in their order then."""
        log = AppendLog.open(directory / f"{profile.id}_webhooks.jsonl", name=f"sim.{profile.id}.webhooks")
        outbox = cls(profile, clock, log, random.Random(f"webhooks:{profile.id}:{seed}"))  # noqa: S311 - jitter
        for _, line in log.lines():
            settled = _decode(line)
            if settled.through is not None:
                outbox._settled.skip_to(settled.through)
            elif settled.ordinal is not None:
                outbox._settled.add(settled.ordinal)
        return outbox

    async def shorten(self) -> None:
        """Put one line in place of all that say the same, before anything is sent."""
        lines = [SettledLine(through=self._settled.through)]
        lines += [SettledLine(ordinal=one) for one in sorted(self._settled.beyond)]
        end = self._log.end_offset
        if end > sum(len(msgspec.json.encode(line)) + 1 for line in lines):
            await self._log.append_many([msgspec.json.encode(line) for line in lines])
            await self._log.discard_before(end)

    def add(self, record: Record) -> None:
        """A record is durable: from now on its webhooks are owed."""
        number, self._records = self._records, self._records + 1
        owed = list(notices_of(number, record))
        ordinals = {notice.ordinal for notice in owed}
        for ordinal in range(number * PER_RECORD, (number + 1) * PER_RECORD):
            if ordinal not in ordinals:
                self._settled.add(ordinal)
        for notice in owed:
            if notice.ordinal not in self._settled:
                self._waiting[notice.ordinal] = _Try(notice, notice.due_at)

    @property
    def waiting(self) -> int:
        """How many are owed, due or not."""
        return len(self._waiting)

    @property
    def next_due_at(self) -> str | None:
        """When the next one falls due that is not due yet, RFC 3339; none while there is none."""
        now = rfc3339_of_ms(self._clock.now_ms())
        return min((one.due_at for one in self._waiting.values() if one.due_at > now), default=None)

    def close(self) -> None:
        """Write what waits and release the file."""
        self._log.close()

    async def send_due(self, compose: Compose, hit: Hit, send: Send) -> int:
        """Send all that is due now, each once, and return how many were taken. One such round runs at a time."""
        async with self._sending:
            now = rfc3339_of_ms(self._clock.now_ms())
            monotonic_s = self._clock.monotonic()
            due = [
                one
                for one in self._waiting.values()
                if one.due_at <= now or (one.tries and one.due_s <= monotonic_s)
            ]
            due.sort(key=lambda one: (one.held_back, one.due_at, one.notice.ordinal))
            # What tells of one operation goes out in its order, or the gateway would refuse one for the other.
            of_operation: dict[str, list[_Try]] = {}
            for one in due:
                of_operation.setdefault(one.notice.record.request.reference, []).append(one)
            operations = iter(of_operation.values())

            async def send_some() -> int:
                return sum([
                    await self._send(one, compose, hit, send) for several in operations for one in several
                ])  # fmt: skip

            senders = min(_AT_ONCE_MAX, len(of_operation))
            taken = sum(await asyncio.gather(*(send_some() for _ in range(senders))))
            if self._settling:
                await asyncio.wait(self._settling)
            return taken

    async def _send(self, one: _Try, compose: Compose, hit: Hit, send: Send) -> bool:
        composed = compose(one.notice)
        if composed is None:
            self._settle(one, "void")
            return False
        strike = await hit(one.notice)
        if strike.mode is Mode.DROPPED_WEBHOOK:
            self._settle(one, "dropped")
            return False
        if strike.mode is Mode.REORDERED_WEBHOOK and not one.held_back:
            one.held_back = True  # It goes out in the next round, after what came later.
            return False
        message_id, body = composed
        message = Message(
            message_id,
            self._profile.id,
            datetime.now(UTC),
            body,
            strike.mode is Mode.BAD_SIGNATURE,
        )
        faults.point(BEFORE_SEND)
        taken = await send(message)
        if taken and strike.mode is Mode.DUPLICATE_WEBHOOK:
            await send(message)
        faults.point(AFTER_SEND)
        if taken:
            self._settle(one, "delivered")
        else:
            self._wait(one)
        return taken

    def _wait(self, one: _Try) -> None:
        one.tries += 1
        if one.tries == TRIES_MAX:
            logger.warning("%s gave a webhook up after %d tries", self._profile.id, one.tries)
            self._settle(one, "given_up")
            return
        pause_s = min(BACKOFF_S_FIRST * 2 ** (one.tries - 1), BACKOFF_S_MAX)
        pause_s *= 1 - self._rng.random() / 4
        one.due_s = self._clock.monotonic() + pause_s
        one.due_at = rfc3339_of_ms(self._clock.now_ms() + round(pause_s * 1000))

    def _settle(self, one: _Try, result: Result) -> None:
        """Write that this one needs no sending any more. The round does not end before it is written; one that cannot
        be written waits again, is sent again, and is known by then."""
        ordinal = one.notice.ordinal
        line = SettledLine(ordinal, result, rfc3339_of_ms(self._clock.now_ms()))
        try:
            written = self._log.submit([_encode(line)], durable=False)
        except LogUnavailable:
            return
        del self._waiting[ordinal]
        self._settling.add(written)
        written.add_done_callback(partial(self._settled_or_not, one))

    def _settled_or_not(self, one: _Try, written: "asyncio.Future[int]") -> None:
        self._settling.discard(written)
        if written.cancelled() or written.exception() is not None:
            self._waiting[one.notice.ordinal] = one
        else:
            self._settled.add(one.notice.ordinal)
