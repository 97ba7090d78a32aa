"""Who makes the entries of a job's run."""

from payrail.ledger.entry import SYSTEM, Actor
from payrail.ledger_jobs.books.entering import JobOrigin
from payrail.ledger_jobs.loops import Run
from payrail.runtime.clock import Clock, rfc3339_of_ms

JOBS_ACTOR = Actor("ledger-jobs", SYSTEM)


def origin_of(run: Run, clock: Clock) -> JobOrigin:
    """Who makes the entries of a run: the user who asked for it, else the jobs."""
    asker = run.requested_by
    actor = Actor(asker.user_id, asker.role) if asker else JOBS_ACTOR
    return JobOrigin(actor, run.correlation_id, rfc3339_of_ms(clock.now_ms()))
