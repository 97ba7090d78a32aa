"""The one clock of all services, blocking."""

from datetime import datetime, timedelta
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.clock import get_clock, move_clock
from .gateway.models import Clock, MoveClockRequest
from .params import zoned
from .raw_response import raw


class TheClock:
    """Look at the clock, and move it where the gateway is no production's."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawTheClock":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawTheClock(self)

    def get(self, **options: Unpack[CallOptions]) -> Clock:
        """What time it is for every service, and how far that is from the machine's time."""
        return self._sender.call(Clock, lambda client: get_clock.sync_detailed(client=client), options)

    def advance(
        self,
        *,
        days: int = 0,
        hours: int = 0,
        minutes: int = 0,
        seconds: int = 0,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Clock:
        """Move the clock on; what falls due by it is done when this returns. Needs the role admin.

        Args:
            days: As many days, and so on; negative to go back, though never behind the newest ledger entry.
            hours: As many hours.
            minutes: As many minutes.
            seconds: As many seconds.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            Conflict: It would go behind the newest ledger entry.
            InvalidRequest: It would leave the years 1970 to 9998 (`clock_out_of_range`).
            PermissionDenied: You are no admin, or the gateway is production's.
        """
        return self._move(
            MoveClockRequest(advance_s=whole_seconds(days, hours, minutes, seconds)),
            idempotency_key,
            options,
        )

    def set(
        self, to: datetime, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Clock:
        """Put the clock to a time, from where it runs on. As `advance` otherwise.

        Raises:
            ValueError: The time has no zone.
        """
        return self._move(MoveClockRequest(set_=zoned(to)), idempotency_key, options)

    def _move(self, body: MoveClockRequest, idempotency_key: str | None, options: CallOptions) -> Clock:
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Clock,
            lambda client: move_clock.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )


class RawTheClock:
    """`TheClock` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: TheClock) -> None:
        self.get = raw(plain.get)
        self.advance = raw(plain.advance)
        self.set = raw(plain.set)


def whole_seconds(days: int, hours: int, minutes: int, seconds: int) -> int:
    """The seconds that these are together."""
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) // timedelta(seconds=1)
