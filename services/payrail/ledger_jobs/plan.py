"""Which jobs there are beside the outbox: each with its interval and the function that does its work.

A job is added here as a `Job`; its loop, history, health, lease and due work come by themselves.
"""

from collections.abc import Sequence

from payrail.ledger_jobs.loops import Job
from payrail.runtime.journal import Journal


def plan(_journal: Journal) -> Sequence[Job]:
    """The jobs over the journal, in the order in which their due work is done."""
    return ()
