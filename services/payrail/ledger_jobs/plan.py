"""Which jobs there are beside the outbox: each with its interval and the function that does its work.

A job is added here as a `Job`; its loop, history, health, lease and due work come by themselves.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from payrail.ledger_jobs.loops import Job
from payrail.ledger_jobs.provider_files.downloads import ProviderDownloads
from payrail.ledger_jobs.reconciliation.job import reconciliation_job
from payrail.ledger_jobs.reconciliation.reconcile_day import Reconciling
from payrail.ledger_jobs.settlement.job import settlement_job
from payrail.runtime.clock import Clock
from payrail.runtime.journal import Journal

if TYPE_CHECKING:
    from payrail.ledger_jobs.reconciliation.three_way import Judge


class JobDependencies(Struct, frozen=True):
    """What the jobs need besides the ledger. Intervals are seconds; `new_id` makes ids with the prefix it is given."""

    data_dir: Path
    clock: Clock
    new_id: Callable[[str], str]
    downloads: ProviderDownloads
    settlement_interval_s: float
    reconciliation_interval_s: float
    reconciliation_tolerance_days: int


def plan(needed: JobDependencies, journal: Journal) -> Sequence[Job]:
    """The jobs over the journal, in the order in which their due work is done."""
    return (
        settlement_job(
            journal,
            needed.downloads,
            data_dir=needed.data_dir,
            clock=needed.clock,
            new_id=needed.new_id,
            interval_s=needed.settlement_interval_s,
        ),
        # After the settlement, whose file is one of the parties.
        reconciliation_job(
            Reconciling(
                journal,
                needed.data_dir,
                needed.downloads,
                needed.reconciliation_tolerance_days,
                lambda: _judge_by(journal),
            ),
            needed.clock,
            needed.reconciliation_interval_s,
        ),
    )


def _judge_by(journal: Journal) -> "Judge":
    # Not before it is needed: it stands on data frames, which take their time to load.
    from payrail.ledger_jobs.reconciliation.known_references import judge_by

    return judge_by(journal.state)
