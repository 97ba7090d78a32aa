"""The stack's clock in a test's hands."""

from datetime import datetime

from payrail_sdk import PayRail


class VirtualClock:
    """The one clock of all services: it runs as the machine's does, and goes wherever a test puts it.

    What falls due by a move is done when the move returns: authorizations expire, disputes meet their deadline, the
    providers' webhooks go out, open outcomes are asked for again, and what else waits for its time.
    """

    def __init__(self, admin: PayRail) -> None:
        self._clock = admin.clock

    def now(self) -> datetime:
        """What time it is for every service, in UTC."""
        return self._clock.get().now

    def advance(self, *, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> datetime:
        """Move on by these together; the new time. Raises `payrail_sdk.Conflict` if it would pass the newest ledger
        entry backwards."""
        return self._clock.advance(days=days, hours=hours, minutes=minutes, seconds=seconds).now

    def set(self, to: datetime) -> datetime:
        """Put the clock to a time, from where it runs on; before the first payment this may be in the past.

        Raises `ValueError` for a time without a zone, `payrail_sdk.Conflict` for one before the newest ledger entry.
        """
        return self._clock.set(to).now
