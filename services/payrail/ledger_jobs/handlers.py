"""The operations of the ledger jobs' contract."""

from collections.abc import Awaitable

from msgspec import Struct

from payrail.ledger_jobs.loops import Loops
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher
from payrail.ledger_jobs.outbox_handlers import OUTBOX_HANDLERS, OutboxHandler
from payrail.ledger_jobs.runs import RunHistory
from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.contract_app import Answer, Call, Handler
from payrail.runtime.journal import Journal

SERVICE = "ledger-jobs"


class Rooms(Struct, frozen=True):
    """What the handlers stand on, from the start of the app's lifespan to its end."""

    journal: Journal
    loops: Loops
    history: RunHistory
    outbox: Dispatcher


class Handlers:
    """Translates between the contract and the jobs."""

    rooms: Rooms

    def __init__(self, *, clock: Clock, version: str) -> None:
        self._clock = clock
        self._version = version

    def table(self) -> dict[str, Handler]:
        """The handler of each operationId."""
        return {
            "get_health": self.get_health,
            "list_jobs": self.list_jobs,
            "get_job": self.get_job,
            "run_due_jobs": self.run_due_jobs,
            **{name: self._of_outbox(handler) for name, handler in OUTBOX_HANDLERS.items()},
        }

    def _of_outbox(self, handler: OutboxHandler) -> Handler:
        def handle(call: Call) -> Awaitable[Answer]:
            return handler(self.rooms.outbox, call)

        return handle

    async def get_health(self, call: Call) -> Answer:  # noqa: ARG002 - a handler takes its call
        well = self.rooms.journal.sound and self.rooms.loops.well
        health = {
            "status": "ok" if well else "degraded",
            "service": SERVICE,
            "version": self._version,
            "time": rfc3339(self._clock.now()),
            "loops": self.rooms.loops.views(),
        }
        return Answer(200, health)

    async def list_jobs(self, call: Call) -> Answer:
        query = call.query
        page = await self.rooms.history.page(
            query.get("job"), query.get("state"), limit=query["limit"], cursor=query.get("cursor")
        )
        return Answer(200, page)

    async def get_job(self, call: Call) -> Answer:
        return Answer(200, self.rooms.history.get(call.path["run_id"]).view())

    async def run_due_jobs(self, call: Call) -> Answer:
        return Answer(200, {"data": await self.rooms.loops.due(call.correlation_id)})
