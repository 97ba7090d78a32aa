"""The errors of the ledger jobs, and the one table that maps them to problems."""

from payrail.ledger_jobs.days import FutureDate
from payrail.ledger_jobs.loops import JobElsewhere, JobFailed
from payrail.ledger_jobs.outbox.addresses import AddressRefused
from payrail.ledger_jobs.outbox.dead_letters import DeadLetterNotFound
from payrail.ledger_jobs.outbox.endpoints import EndpointNotFound
from payrail.ledger_jobs.outbox.operations import EndpointDisabled, EventNotFound
from payrail.ledger_jobs.reconciliation.break_states import BreakTransitionInvalid
from payrail.ledger_jobs.reconciliation.handlers import BreakNotFound, NotReconciled
from payrail.ledger_jobs.runs import RunNotFound
from payrail.ledger_jobs.settlement.settle_day import SettlementNotFound
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.journal import LedgerUnavailable
from payrail.runtime.pages import InvalidCursor
from payrail.runtime.problems import ErrorTable

ERRORS = ErrorTable(
    {
        InvalidCursor: (400, "A query parameter is not valid"),
        SettlementNotFound: (404, "There is no such thing"),
        NotReconciled: (404, "There is no such thing"),
        BreakNotFound: (404, "There is no such thing"),
        BreakTransitionInvalid: (409, "The state does not allow it"),
        RunNotFound: (404, "There is no such thing"),
        FutureDate: (422, "The day has not begun"),
        JobFailed: (503, "The job failed"),
        EndpointNotFound: (404, "There is no such thing"),
        EventNotFound: (404, "There is no such thing"),
        DeadLetterNotFound: (404, "There is no such thing"),
        EndpointDisabled: (409, "The endpoint is disabled"),
        AddressRefused: (422, "The address is not allowed"),
        JobElsewhere: (503, "Another instance has the job"),
        LogUnavailable: (503, "The files cannot be written"),
        LedgerUnavailable: (503, "The ledger is not available"),
    }
)
