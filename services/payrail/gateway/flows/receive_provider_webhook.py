"""Take a provider's news: the outcome of an operation that is open here, however late and however often it comes.

Whoever brings an outcome first appends it; for all others it is known. A call that is on its way keeps its attempt's
lease, and its own answer comes first: the provider sends the webhook again.
"""

from contextlib import ExitStack

from payrail.gateway.domain.disputes import ProviderDispute, record_dispute_outcome
from payrail.gateway.domain.errors import OperationInProgress, OperationNotProcessed
from payrail.gateway.domain.notices import Notice, NoticeResult, UnmatchedNotice
from payrail.gateway.domain.outcomes import Approved, Declined, Reversed, Unknown, is_as_asked
from payrail.gateway.domain.refunds import record_refund_outcome
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.receive_dispute import receive_dispute
from payrail.gateway.flows.run import Run
from payrail.gateway.flows.settle_authorization import learn_authorization, learn_reversal
from payrail.gateway.flows.settle_operation import learn_operation, void_late_approval
from payrail.ledger.dispute import Dispute
from payrail.ledger.entry import SYSTEM, Actor
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund
from payrail.ledger.state import Subject


async def receive_provider_webhook(gateway: Gateway, notice: Notice, correlation_id: str) -> NoticeResult:
    """What the notice made of the ledger. Raises `OperationInProgress` and `OperationNotProcessed`: send it again."""
    await gateway.journal.catch_up()
    state = gateway.journal.state
    entity = state.attempts.get(notice.reference)
    if entity is not None and _is_of(state.subject(entity), notice):
        payment = state.payments.get(entity)
        if payment is not None and not _may_teach(notice, payment):
            return "known"
        return await _take(gateway, entity, notice, correlation_id)
    opened = await _open_dispute(gateway, notice, correlation_id) if entity is None else None
    if opened is not None:
        return opened
    unmatched = UnmatchedNotice(
        notice.webhook_id, notice.provider, gateway.now(), notice.type, notice.account, correlation_id
    )
    await gateway.unmatched.keep(unmatched)
    return "unmatched"


def _was_asked(provider: str, subject: Subject, reference: str) -> bool:
    """Whether the operation is one of this provider: none has a say in what another was asked for."""
    asked = (attempt.provider for attempt in subject.attempts if attempt.id == reference)
    return next(asked, subject.provider) == provider


def _is_of(subject: Subject, notice: Notice) -> bool:
    """Whether the notice is of what this provider was asked for, by reference, amount and currency. An approval that
    comes late is one to be taken back, whatever its amount."""
    if not _was_asked(notice.provider, subject, notice.reference):
        return False
    told, pending = (notice.amount, notice.currency), subject.pending
    if isinstance(notice.said, Reversed):
        return True
    if isinstance(subject, Refund):
        return told == (subject.amount, subject.currency)
    if pending is None or pending.attempt.id != notice.reference or pending.reversal is not None:
        return True
    return is_as_asked(pending.attempt, subject.currency, told)


def _may_teach(notice: Notice, payment: Payment) -> bool:
    """Whether the notice can say anything new of the payment as it is durable. The usual one cannot: its call was
    answered before it came, so that nothing needs to be leased or decided for it."""
    pending, reference = payment.pending, notice.reference
    if pending is not None and reference in (pending.attempt.id, pending.reversal and pending.reversal.id):
        return True
    return isinstance(notice.said, Approved) and payment.reversed_authorization(reference) is not None


async def _take(gateway: Gateway, entity: str, notice: Notice, correlation_id: str) -> NoticeResult:
    with ExitStack() as leases:
        if not leases.enter_context(gateway.leases.hold(notice.reference)):
            raise OperationInProgress(notice.operation)
        await gateway.journal.catch_up()
        before = gateway.journal.state.subject(entity)
        run = Run(gateway, Actor(notice.provider, SYSTEM), correlation_id, leases)
        after = await _learn(run, before, notice)
    return "known" if after.version == before.version else "applied"


async def _learn(run: Run, subject: Subject, notice: Notice) -> Subject:
    if isinstance(subject, Refund):
        decision = record_refund_outcome(subject.id, notice.reference, notice.said_of_refund, run.origin())
        return await run.decide(subject, decision)
    if isinstance(notice.said, Unknown | Reversed):
        return subject
    if isinstance(subject, Dispute):
        learnt = record_dispute_outcome(
            subject.id, notice.reference, notice.said, run.origin(),
            respond_by=run.gateway.response_deadline(),
        )  # fmt: skip
        return await run.decide(subject, learnt)
    return await _learn_of_payment(run, subject, notice.reference, notice.said)


async def _learn_of_payment(run: Run, payment: Payment, reference: str, said: Approved | Declined) -> Payment:
    if isinstance(said, Approved) and payment.reversed_authorization(reference):
        voided = await void_late_approval(run, payment, reference)
        if voided.version != payment.version and voided.attempts[-1].outcome in ("not_processed", "declined"):
            raise OperationNotProcessed  # The hold lives on: the webhook is refused, comes again, and finds it.
        return voided
    pending = payment.pending
    if pending is None:
        return payment
    if pending.reversal is not None and pending.reversal.id == reference:
        return await learn_reversal(run, payment) if isinstance(said, Approved) else payment
    if pending.attempt.id != reference:
        return payment
    if pending.attempt.operation == "authorize":
        return await learn_authorization(run, payment, said)
    return await learn_operation(run, payment, said)


async def _open_dispute(gateway: Gateway, notice: Notice, correlation_id: str) -> NoticeResult | None:
    """A dispute that the provider opened by itself names the authorization it is of. None if this is no such notice, or
    of no amount in the payment's currency."""
    state, original = gateway.journal.state, notice.original_reference or ""
    payment_id = state.attempts.get(original)
    if notice.operation != "dispute" or not isinstance(notice.said, Approved) or payment_id is None:
        return None
    payment = state.payments.get(payment_id)
    if payment is None or not _was_asked(notice.provider, payment, original):
        return None
    if notice.amount == 0 or notice.currency != payment.currency:
        return None
    if state.latest_dispute_of(notice.reference) is not None:
        return "known"
    said = notice.said
    opened = ProviderDispute(
        payment_id, notice.reference, said.provider_reference, notice.amount, notice.reason or "unknown",
        said.provider_fee,
    )  # fmt: skip
    await receive_dispute(gateway, notice.provider, opened, correlation_id)
    return "applied"
