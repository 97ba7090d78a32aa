"""The operations of the ledger jobs' contract."""

from collections.abc import Awaitable
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.ledger_jobs.days import FutureDate
from payrail.ledger_jobs.loops import Loops, Wish
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher
from payrail.ledger_jobs.outbox.handlers import OUTBOX_HANDLERS, OutboxHandler
from payrail.ledger_jobs.reconciliation.handlers import (
    RECONCILIATION_HANDLERS,
    ReconciledDays,
    ReconciliationHandler,
)
from payrail.ledger_jobs.runs import JobName, Requester, RunHistory
from payrail.ledger_jobs.settlement.handlers import SETTLEMENT_HANDLERS, SettlementHandler
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
    reconciled: ReconciledDays


class Handlers:
    """Translates between the contract and the jobs."""

    rooms: Rooms

    def __init__(self, *, data_dir: Path, clock: Clock, version: str) -> None:
        self._settlements = data_dir / "settlement"
        self._clock = clock
        self._version = version

    def table(self) -> dict[str, Handler]:
        """The handler of each operationId."""
        return {
            "get_health": self.get_health,
            "list_jobs": self.list_jobs,
            "get_job": self.get_job,
            "run_due_jobs": self.run_due_jobs,
            "generate_settlement": self.generate_settlement,
            "run_reconciliation": self.run_reconciliation,
            **{name: self._of_settlement(handler) for name, handler in SETTLEMENT_HANDLERS.items()},
            **{name: self._of_reconciliation(handler) for name, handler in RECONCILIATION_HANDLERS.items()},
            **{name: self._of_outbox(handler) for name, handler in OUTBOX_HANDLERS.items()},
        }

    def _of_outbox(self, handler: OutboxHandler) -> Handler:
        def handle(call: Call) -> Awaitable[Answer]:
            return handler(self.rooms.outbox, call)

        return handle

    def _of_settlement(self, handler: SettlementHandler) -> Handler:
        def handle(call: Call) -> Awaitable[Answer]:
            return handler(self._settlements, call)

        return handle

    def _of_reconciliation(self, handler: ReconciliationHandler) -> Handler:
        def handle(call: Call) -> Awaitable[Answer]:
            return handler(self.rooms.reconciled, call)

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
        done = await self.rooms.loops.due(call.correlation_id)
        return Answer(200, {"data": done, "next_due_at": self.rooms.outbox.next_due_at()})

    async def generate_settlement(self, call: Call) -> Answer:
        return await self._run_for_a_day("settlement", call)

    async def run_reconciliation(self, call: Call) -> Answer:
        return await self._run_for_a_day("reconciliation", call)

    async def _run_for_a_day(self, job: JobName, call: Call) -> Answer:
        date = call.path["date"]
        if date > rfc3339(self._clock.now())[:10]:
            raise FutureDate(date)
        requester = (call.body or {}).get("requested_by")
        asker = msgspec.convert(requester, Requester) if requester else None
        wish = Wish("request", {"date": date}, asker, call.correlation_id)
        return Answer(200, (await self.rooms.loops.done(job, wish)).view())
