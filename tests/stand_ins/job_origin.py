"""A job that runs in tests."""

from payrail.ledger.entry import Actor
from payrail.ledger_jobs.books.entering import JobOrigin

JOB = JobOrigin(Actor("ledger-jobs", "system"), "job-1", "2025-01-02T00:00:00.000Z")
