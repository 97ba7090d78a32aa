"""The ledger jobs as an ASGI app."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import orjson

from payrail.ledger_jobs.errors import ERRORS
from payrail.ledger_jobs.handlers import SERVICE, Handlers, Rooms
from payrail.ledger_jobs.loops import Job, Loops, Surroundings
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher, OutboxTerms
from payrail.ledger_jobs.reconciliation.break_states import BreakStates
from payrail.ledger_jobs.reconciliation.handlers import ReconciledDays
from payrail.ledger_jobs.reconciliation.reconcile_day import Reconciling
from payrail.ledger_jobs.runs import RunHistory
from payrail.runtime.clock import Clock
from payrail.runtime.contract_app import ContractApp, build_contract_app
from payrail.runtime.ids import IdSource
from payrail.runtime.internal_keys import InternalKeys
from payrail.runtime.journal import Journal, JournalOpener
from payrail.runtime.leases import Leases
from payrail.runtime.logs import LogWriter

#: Makes the jobs beside the outbox over an open journal, in the order in which their due work is done.
Plan = Callable[[Journal], Sequence[Job]]


def build(
    *,
    data_dir: Path,
    clock: Clock,
    journals: JournalOpener,
    internal_keys: Mapping[str, str],
    plan: Plan,
    outbox: OutboxTerms,
    log: LogWriter | None = None,
) -> ContractApp:
    """The service of the background jobs; ``internal_keys`` is the key of each caller by its name.

    `plan` makes the jobs beside the outbox, of which `outbox` says what the settings say.

    Several processes may run one on the same directory: each job is in one of them at a time.
    """
    handlers = Handlers(data_dir=data_dir, clock=clock, version=version("payrail"))
    ids = IdSource(clock, random.SystemRandom())

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        # What a start that fails has opened is closed in order: the ledger keeps the note of its end.
        async with AsyncExitStack() as closing:
            journal = await journals.open()
            closing.push_async_callback(journals.close)
            leases = Leases(data_dir / "run" / "jobs.lock")
            closing.callback(leases.close)
            history = RunHistory(data_dir / "jobs" / "runs.jsonl")
            closing.callback(history.close)
            dispatcher = Dispatcher(data_dir, journal, clock, ids.new, outbox)
            # The outbox comes last: what the others enter into the books is to be told, too.
            jobs = [*plan(journal), dispatcher.job()]
            loops = Loops(jobs, Surroundings(clock, leases, history, ids.new))
            dispatcher.on_news = loops["outbox"].nudge
            reports = data_dir / Reconciling.directory
            reconciled = ReconciledDays(reports, BreakStates(reports), clock)
            closing.callback(reconciled.states.close)
            handlers.rooms = Rooms(journal, loops, history, dispatcher, reconciled)
            closing.push_async_callback(loops.stop)
            await loops.start()
            yield

    return build_contract_app(
        service=SERVICE,
        contract=orjson.loads(files("payrail.contracts").joinpath(f"{SERVICE}.json").read_bytes()),
        handlers=handlers.table(),
        authenticate={"InternalKey": InternalKeys(internal_keys)},
        errors=ERRORS,
        lifespan=lifespan,
        log=log,
    )
