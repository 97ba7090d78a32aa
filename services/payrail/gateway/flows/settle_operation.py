"""Bring an open step on a hold to its end: send it; where the answer is unknown inquire, and send the same again.

The steps are captures, voids, and the release of a hold whose time is over.

An operation whose first call may have had its effect is never called *not processed* afterwards: the first call could
still arrive. It stays unknown, and its amount stays taken, until the provider says what became of the reference.
"""

from payrail.gateway.domain import operations
from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotFound, Unknown
from payrail.gateway.flows.run import Run
from payrail.ledger.attempts import Pending
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened


async def settle_operation(run: Run, payment: Payment) -> Payment:
    """Send the open step for the first time, and settle it if it can be settled now."""
    pending = payment.pending
    if pending is None:
        return payment
    payment = await _record(run, payment, pending, await _send(run, payment, pending))
    return await _clear_up(run, payment)


async def learn_operation(run: Run, payment: Payment, said: Approved | Declined) -> Payment:
    """Take what a provider says by itself of the open step, whose lease this run holds."""
    pending = payment.pending
    return payment if pending is None else await _record(run, payment, pending, said)


async def resume_operation(run: Run, payment: Payment) -> Payment:
    """Go on where a former owner stopped. Nobody knows whether its call was made, so that the outcome is unknown."""
    pending = payment.pending
    if pending is not None and not pending.unknown:
        payment = await _record(run, payment, pending, Unknown("owner_lost"))
    return await _clear_up(run, payment)


async def expire_payment(run: Run, payment: Payment) -> Payment:
    """Release the hold of an authorization whose time is over, if its provider confirms it."""
    reserved = run.reserve()
    begun = await run.decide(payment, operations.begin_expiry(payment.id, reserved, run.origin()))
    # What another process began meanwhile is its own to finish.
    mine = begun.pending is not None and begun.pending.attempt.id == reserved.attempt_id
    return await settle_operation(run, begun) if mine else begun


async def void_late_approval(run: Run, payment: Payment, authorization_id: str) -> Payment:
    """Take back an authorization that its provider approved after it was reversed. Raises `OperationInProgress`."""
    reserved = run.reserve()
    decision = operations.begin_late_reversal(payment.id, authorization_id, reserved, run.origin())
    begun = await run.decide(payment, decision)
    mine = begun.pending is not None and begun.pending.attempt.id == reserved.attempt_id
    return await settle_operation(run, begun) if mine else begun


async def _clear_up(run: Run, payment: Payment) -> Payment:
    pending = payment.pending
    if pending is None or not pending.unknown:
        return payment
    inquiry = await run.gateway.providers.inquire(pending.attempt, payment.currency, run.correlation_id)
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
    return await providers.reverse(payment, attempt, _held_by(payment, attempt), run.correlation_id)


def _held_by(payment: Payment, attempt: AttemptOpened) -> str:
    """The reference of the authorization that the attempt releases: the payment's, or one that came late."""
    if attempt.operation != "late_reversal":
        return payment.authorization_id or ""
    return next(
        a.id for a in payment.attempts if a.operation == "authorize" and a.provider == attempt.provider
    )


async def _record(run: Run, payment: Payment, pending: Pending, answer: Answer) -> Payment:
    plan = run.gateway.prices.plan_of(payment.merchant_id)
    decision = operations.record_operation(payment.id, pending.attempt.id, answer, run.origin(), plan)
    return await run.decide(payment, decision)
