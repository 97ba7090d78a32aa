"""Bring an open refund to its end: send it; where the answer is unknown inquire, and send the same again.

As with a capture, an execution whose first call may have had its effect is never called *not processed* afterwards. A
refund that the provider has taken up without deciding is open, too: an inquiry or a webhook finishes it.
"""

from payrail.gateway.domain import refunds
from payrail.gateway.domain.outcomes import (
    Accepted,
    Approved,
    Contradicted,
    Declined,
    NotFound,
    NotProcessed,
    RefundAnswer,
    Unknown,
)
from payrail.gateway.flows.run import Run
from payrail.ledger.attempts import Pending
from payrail.ledger.refund import Refund


async def settle_refund(run: Run, refund: Refund) -> Refund:
    """Send the open refund for the first time, and settle it if it can be settled now."""
    pending = refund.pending
    if pending is None:
        return refund
    refund = await _record(run, refund, pending, await _send(run, refund, pending))
    return await _clear_up(run, refund) if refund.pending and refund.pending.unknown else refund


async def resume_refund(run: Run, refund: Refund) -> Refund:
    """Go on where a former owner stopped. Nobody knows whether its call was made, so that the outcome is unknown."""
    pending = refund.pending
    if pending is not None and not (pending.unknown or pending.accepted):
        refund = await _record(run, refund, pending, Unknown("owner_lost"))
    return await _clear_up(run, refund)


async def _clear_up(run: Run, refund: Refund) -> Refund:
    pending = refund.pending
    if pending is None:
        return refund
    inquiry = await run.gateway.providers.inquire_refund(pending.attempt, refund.currency, run.correlation_id)
    match inquiry:
        case Approved() | Declined() | Accepted():
            return await _record(run, refund, pending, inquiry)
        case NotFound():
            again = await _send(run, refund, pending)
            return refund if isinstance(again, NotProcessed) else await _record(run, refund, pending, again)
        case Contradicted() | Unknown():
            return refund


async def _send(run: Run, refund: Refund, pending: Pending) -> RefundAnswer:
    payment = run.gateway.journal.state.payments[refund.payment_id]
    return await run.gateway.providers.refund(payment, refund, pending.attempt, run.correlation_id)


async def _record(run: Run, refund: Refund, pending: Pending, answer: RefundAnswer) -> Refund:
    decision = refunds.record_refund_outcome(refund.id, pending.attempt.id, answer, run.origin())
    return await run.decide(refund, decision)
