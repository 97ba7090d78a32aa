"""Bring an open step of a dispute to its end: send it; where the answer is unknown inquire, and send the same again.

As with a capture, a step whose first call may have had its effect is never called *not processed* afterwards.
"""

from payrail.gateway.domain import disputes
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotFound, NotProcessed, Unknown
from payrail.gateway.flows.run import Run
from payrail.ledger.attempts import Pending
from payrail.ledger.dispute import Dispute


async def settle_dispute(run: Run, dispute: Dispute) -> Dispute:
    """Send the open step for the first time, and settle it if it can be settled now."""
    pending = dispute.pending
    if pending is None:
        return dispute
    return await _clear_up(run, await _record(run, dispute, pending, await _send(run, dispute, pending)))


async def resume_dispute(run: Run, dispute: Dispute) -> Dispute:
    """Go on where a former owner stopped. Nobody knows whether its call was made, so that the outcome is unknown."""
    pending = dispute.pending
    if pending is not None and not pending.unknown:
        dispute = await _record(run, dispute, pending, Unknown("owner_lost"))
    return await _clear_up(run, dispute)


async def give_up_overdue(run: Run, dispute: Dispute) -> Dispute:
    """Lose a dispute that nobody answered in time, if the provider confirms it."""
    reserved = run.reserve()
    begun = await run.decide(dispute, disputes.give_up_overdue(dispute.id, reserved, run.origin()))
    # What another process began meanwhile is its own to finish.
    mine = begun.pending is not None and begun.pending.attempt.id == reserved.attempt_id
    return await settle_dispute(run, begun) if mine else begun


async def _clear_up(run: Run, dispute: Dispute) -> Dispute:
    pending = dispute.pending
    if pending is None or not pending.unknown:
        return dispute
    inquiry = await run.gateway.providers.inquire(pending.attempt, dispute.currency, run.correlation_id)
    match inquiry:
        case Approved() | Declined():
            return await _record(run, dispute, pending, inquiry)
        case NotFound():
            again = await _send(run, dispute, pending)
            return dispute if isinstance(again, NotProcessed) else await _record(run, dispute, pending, again)
        case _:
            return dispute


async def _send(run: Run, dispute: Dispute, pending: Pending) -> Answer:
    providers, attempt = run.gateway.providers, pending.attempt
    if attempt.operation == "evidence":
        return await providers.submit_evidence(dispute, attempt, run.correlation_id)
    if attempt.operation == "resolution":
        return await providers.resolve_dispute(dispute, attempt, run.correlation_id)
    payment = run.gateway.journal.state.payments[dispute.payment_id]
    return await providers.open_dispute(payment, dispute, attempt, run.correlation_id)


async def _record(run: Run, dispute: Dispute, pending: Pending, answer: Answer) -> Dispute:
    decision = disputes.record_dispute_outcome(
        dispute.id, pending.attempt.id, answer, run.origin(), respond_by=run.gateway.response_deadline()
    )
    return await run.decide(dispute, decision)
