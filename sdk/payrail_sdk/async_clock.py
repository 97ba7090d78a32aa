"""The one clock of all services, asynchronous. What each method promises stands in `clock`."""

from datetime import datetime
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .clock import whole_seconds
from .gateway.api.clock import get_clock, move_clock
from .gateway.models import Clock, MoveClockRequest
from .params import zoned
from .raw_response import async_raw


class AsyncTheClock:
    """As `TheClock`, with `await`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawTheClock":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawTheClock(self)

    async def get(self, **options: Unpack[CallOptions]) -> Clock:
        """What time it is for every service. See `TheClock.get`."""
        return await self._sender.call(
            Clock, lambda client: get_clock.asyncio_detailed(client=client), options
        )

    async def advance(
        self,
        *,
        days: int = 0,
        hours: int = 0,
        minutes: int = 0,
        seconds: int = 0,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Clock:
        """Move the clock on; what falls due by it is done when this returns. See `TheClock.advance`."""
        body = MoveClockRequest(advance_s=whole_seconds(days, hours, minutes, seconds))
        return await self._move(body, idempotency_key, options)

    async def set(
        self, to: datetime, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Clock:
        """Put the clock to a time, from where it runs on. See `TheClock.set`."""
        return await self._move(MoveClockRequest(set_=zoned(to)), idempotency_key, options)

    async def _move(self, body: MoveClockRequest, idempotency_key: str | None, options: CallOptions) -> Clock:
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Clock,
            lambda client: move_clock.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )


class AsyncRawTheClock:
    """As `RawTheClock`, with `await`."""

    def __init__(self, plain: AsyncTheClock) -> None:
        self.get = async_raw(plain.get)
        self.advance = async_raw(plain.advance)
        self.set = async_raw(plain.set)
