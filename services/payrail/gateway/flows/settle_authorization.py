"""Bring an open authorization to its end: ask, and where the answer is unknown inquire, reverse, and only then go on.

The same steps serve a caller that waits, a retry that takes an intent over, and the resolver after a crash. Only a
waiting caller brings the card, and only then may another provider be asked.
"""

from payrail.gateway.domain import payments
from payrail.gateway.domain.outcomes import (
    Approved,
    Contradicted,
    Declined,
    NotFound,
    NotProcessed,
    Reversed,
    Unknown,
)
from payrail.gateway.flows.run import Run
from payrail.gateway.flows.settle_operation import resume_operation, settle_operation
from payrail.ledger.attempts import Pending
from payrail.ledger.payment import Payment


async def ask_providers(run: Run, payment: Payment) -> Payment:
    """Call the provider of the open attempt, and those after it, until the payment is settled or cannot be now."""
    while (pending := _open_authorization(payment)) and payment.state == "AUTHORIZING" and run.card:
        answer = await run.gateway.providers.authorize(
            payment, pending.attempt, run.card, run.cvc, run.correlation_id
        )
        payment = await _record(run, payment, pending, answer)
        if payment.state in ("UNKNOWN", "REVERSING"):
            payment = await clear_up(run, payment)
    return await _capture_if_automatic(run, payment)


async def resume_authorization(run: Run, payment: Payment) -> Payment:
    """Go on where a former owner stopped. Nobody knows whether its call was made, so that the outcome is unknown."""
    pending = payment.pending
    if pending is not None and pending.attempt.operation == "capture":
        return await resume_operation(run, payment)
    if pending is not None and payment.state == "AUTHORIZING":
        payment = await _record(run, payment, pending, Unknown("owner_lost"))
    payment = await clear_up(run, payment)
    return await ask_providers(run, payment)


async def clear_up(run: Run, payment: Payment) -> Payment:
    """Turn *unknown* into an outcome by inquiry; what the provider does not know, or holds another amount for, is
    reversed there first."""
    pending = _open_authorization(payment)
    if pending is None:
        return payment
    if payment.state == "UNKNOWN":
        inquiry = await run.gateway.providers.inquire(pending.attempt, payment.currency, run.correlation_id)
        match inquiry:
            case Approved() | Declined():
                return await _record(run, payment, pending, inquiry)
            case Unknown():
                return payment
            case NotFound() | Reversed() | Contradicted():
                decision = payments.start_reversal(
                    payment.id, pending.attempt.id, run.reserve(), run.origin()
                )
                payment = await run.decide(payment, decision)
    return await _reverse(run, payment) if payment.state == "REVERSING" else payment


async def learn_authorization(run: Run, payment: Payment, said: Approved | Declined) -> Payment:
    """Take what a provider says by itself of the open authorization, whose lease this run holds."""
    pending = _open_authorization(payment)
    if pending is None:
        return payment
    return await _capture_if_automatic(run, await _record(run, payment, pending, said))


async def learn_reversal(run: Run, payment: Payment) -> Payment:
    """Take a provider's own word that it has reversed what this run holds the lease of."""
    return await _reversed(run, payment, None)


async def _reverse(run: Run, payment: Payment) -> Payment:
    """Send the reversal, the same one until the provider refuses it; without its acknowledgement nothing else may
    happen. After a refusal the intent of another one is written, for whoever comes next to send it."""
    pending = payment.pending
    if pending is None or pending.reversal is None:
        return payment
    answer = await run.gateway.providers.reverse(
        payment, pending.reversal, pending.attempt.id, run.correlation_id
    )
    match answer:
        case Approved():
            return await _reversed(run, payment, answer.latency_ms)
        case Declined():
            decision = payments.renew_reversal(
                payment.id, pending.reversal.id, answer.decline, run.reserve(), run.origin()
            )
            return await run.decide(payment, decision)
        case NotProcessed() | Unknown():
            return payment


async def _reversed(run: Run, payment: Payment, latency_ms: int | None) -> Payment:
    pending = payment.pending
    if pending is None or pending.reversal is None:
        return payment
    decision = payments.record_reversal(
        payment.id,
        pending.reversal.id,
        latency_ms,
        run.reserve(),
        run.origin(),
        go_on=run.caller_waits,
    )
    return await run.decide(payment, decision)


async def _record(
    run: Run, payment: Payment, pending: Pending, answer: Approved | Declined | NotProcessed | Unknown
) -> Payment:
    may_follow = payment.capture_method == "automatic" or not isinstance(answer, Approved | Unknown)
    decision = payments.record_authorization(
        payment.id, pending.attempt.id, answer, run.reserve() if may_follow else None, run.origin(),
        expires_at=run.gateway.expiry(), go_on=run.caller_waits,
    )  # fmt: skip
    return await run.decide(payment, decision)


async def _capture_if_automatic(run: Run, payment: Payment) -> Payment:
    pending = payment.pending
    if pending is None or pending.attempt.operation != "capture":
        return payment
    return await settle_operation(run, payment)


def _open_authorization(payment: Payment) -> Pending | None:
    pending = payment.pending
    return pending if pending is not None and pending.attempt.operation == "authorize" else None
