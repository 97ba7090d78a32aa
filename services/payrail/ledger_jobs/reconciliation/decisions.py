"""What reconciling enters into the books: a decision that the journal runs under its lock."""

from payrail.ledger.entry import Draft
from payrail.ledger.settlement import Reconciliation, reconciliation_id
from payrail.ledger.settlement_events import ReconciliationCompleted
from payrail.ledger.state import LedgerState
from payrail.ledger_jobs.books.entering import Decide, JobOrigin, draft


def complete_reconciliation(data: ReconciliationCompleted, origin: JobOrigin) -> Decide:
    """Tell a merchant what a reconciliation found; nothing if the merchant was told the same before."""

    def decide(state: LedgerState) -> Draft | None:
        entity = reconciliation_id(data.date, data.merchant_id)
        known = state.latest_record(entity)
        if isinstance(known, Reconciliation) and (known.matched, known.breaks) == (data.matched, data.breaks):
            return None
        return draft(entity, known, "reconciliation.completed", data, origin, ())

    return decide
