"""Bring an open capture or void to its end: send it; where the answer is unknown inquire, and send the same again.

An operation whose first call may have had its effect is never called *not processed* afterwards: the first call could
still arrive. It stays unknown, and its amount stays taken, until the provider says what became of the reference.
"""

from payrail.gateway.domain import payments
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotFound, Unknown
from payrail.gateway.flows.run import Run
from payrail.ledger.attempts import Pending
from payrail.ledger.payment import Payment


async def settle_operation(run: Run, payment: Payment) -> Payment:
    """Send the open capture or void for the first time, and settle it if it can be settled now."""
    pending = payment.pending
    if pending is None:
        return payment
    payment = await _record(run, payment, pending, await _send(run, payment, pending))
    return await _clear_up(run, payment)


async def resume_operation(run: Run, payment: Payment) -> Payment:
    """Go on where a former owner stopped. Nobody knows whether its call was made, so that the outcome is unknown."""
    pending = payment.pending
    if pending is not None and not pending.unknown:
        payment = await _record(run, payment, pending, Unknown("owner_lost"))
    return await _clear_up(run, payment)


async def _clear_up(run: Run, payment: Payment) -> Payment:
    pending = payment.pending
    if pending is None or not pending.unknown:
        return payment
    inquiry = await run.gateway.providers.inquire(pending.attempt, run.correlation_id)
    match inquiry:
        case Approved() | Declined():
            return await _record(run, payment, pending, inquiry)
        case NotFound():
            return await _record(run, payment, pending, await _send(run, payment, pending))
        case _:
            return payment


async def _send(run: Run, payment: Payment, pending: Pending) -> Answer:
    providers, attempt = run.gateway.providers, pending.attempt
    if attempt.operation == "capture":
        return await providers.capture(payment, attempt, run.correlation_id)
    return await providers.reverse(payment, attempt, payment.authorization_id or "", run.correlation_id)


async def _record(run: Run, payment: Payment, pending: Pending, answer: Answer) -> Payment:
    return await run.decide(
        payment, payments.record_operation(payment.id, pending.attempt.id, answer, run.origin())
    )
