"""What operations at a provider have in common: begin under a lease, or meet an earlier request with the key."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import cast

from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.errors import (
    DisputeNotFound,
    IdempotencyInProgress,
    PaymentNotFound,
    RefundNotFound,
)
from payrail.gateway.domain.idempotency import Earlier, answered_request
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.payments import Begin as Decision
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.replay import answer_again, answer_by_claim, answer_once
from payrail.gateway.flows.run import Run
from payrail.gateway.ports import CardDetails
from payrail.ledger.dispute import Dispute
from payrail.ledger.entry import Actor, Book, Claim
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund
from payrail.ledger.state import Committed, S

Begin = Callable[[Reserved, Origin], Decision]
Settle = Callable[[Run, S], Awaitable[S]]


async def find_payment(gateway: Gateway, merchant_id: str, payment_id: str) -> Payment:
    """The merchant's payment, with everything that was durable when this was called. Raises `PaymentNotFound`."""
    await gateway.journal.catch_up()
    payment = gateway.journal.state.payments.get(payment_id)
    if payment is None or payment.merchant_id != merchant_id:
        raise PaymentNotFound
    return payment


async def find_refund(gateway: Gateway, merchant_id: str, refund_id: str) -> Refund:
    """The merchant's refund, with everything that was durable when this was called. Raises `RefundNotFound`."""
    await gateway.journal.catch_up()
    refund = gateway.journal.state.refunds.get(refund_id)
    if refund is None or refund.merchant_id != merchant_id:
        raise RefundNotFound
    return refund


async def find_dispute(gateway: Gateway, merchant_id: str, dispute_id: str) -> Dispute:
    """The merchant's dispute, with everything that was durable when this was called. Raises `DisputeNotFound`."""
    await gateway.journal.catch_up()
    dispute = gateway.journal.state.disputes.get(dispute_id)
    if dispute is None or dispute.merchant_id != merchant_id:
        raise DisputeNotFound
    return dispute


def answered_before(gateway: Gateway, claim: Claim) -> Rendered | None:
    """The replay of a finished request with this key, none if there is none. Raises `IdempotencyKeyReused`."""
    held = answered_request(gateway.journal.state, claim)
    return answer_again(gateway, held) if held else None


async def run_operation(
    gateway: Gateway,
    request: Request,
    book: Book,
    claim: Claim,
    *,
    begin: Begin,
    settle: Settle[S],
    resume: Settle[S],
    card: CardDetails | None = None,
    cvc: str | None = None,
) -> Rendered:
    """Append the intent of an operation in `book` and settle it.

    Where an earlier request holds the key: replay its answer, go on with what it left open, or refuse.

    Raises `IdempotencyInProgress` while another request works on it, and the refusals of `begin`.
    """
    with ExitStack() as leases:
        actor = Actor(request.caller.user_id, request.caller.role)
        run = Run(gateway, actor, request.correlation_id, leases, card, cvc)
        result = await gateway.journal.append(book, begin(run.reserve(), run.origin()))
        if isinstance(result, Committed):
            if result.subject.pending is None:
                return answer_once(result)
            await settle(run, cast("S", result.subject))
        elif result.answered:
            return answer_again(gateway, result.held)
        else:
            await _go_on(run, result, resume)
        return answer_once(run.outcome) if run.outcome else answer_by_claim(gateway, claim)


async def _go_on(run: Run, earlier: Earlier, resume: Settle[S]) -> None:
    """A retry of an unfinished request: if nobody works on it, this request takes it over and goes on."""
    state = run.gateway.journal.state
    pending = state.subject(earlier.held.entity).pending
    if pending is None:
        return
    if not run.leases.enter_context(run.gateway.leases.hold(pending.attempt.id)):
        if pending.unknown or pending.accepted:
            return
        raise IdempotencyInProgress
    leased = pending.attempt.id
    await run.gateway.journal.catch_up()
    subject = cast("S", state.subject(earlier.held.entity))
    if subject.pending is None or subject.pending.claim != earlier.held.claim:
        return
    if subject.pending.attempt.id != leased:
        # Another process took it over and went on to another attempt, which is its own to finish.
        raise IdempotencyInProgress
    await resume(run, await run.take_over(subject))
