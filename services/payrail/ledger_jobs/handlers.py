"""The operations of the ledger jobs' contract."""

from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.contract_app import Answer, Call, Handler

SERVICE = "ledger-jobs"


class Handlers:
    """Translates between the contract and the jobs."""

    def __init__(self, *, clock: Clock, version: str) -> None:
        self._clock = clock
        self._version = version

    def table(self) -> dict[str, Handler]:
        """The handler of each operationId."""
        return {"get_health": self.get_health}

    async def get_health(self, call: Call) -> Answer:  # noqa: ARG002 - a handler takes its call
        now = rfc3339(self._clock.now())
        return Answer(200, {"status": "ok", "service": SERVICE, "version": self._version, "time": now})
