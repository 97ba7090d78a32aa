"""Answering a request from the ledger: the first time, and again when its idempotency key comes back."""

from payrail.gateway.domain.answers import Rendered, render_open, render_outcome
from payrail.gateway.domain.errors import IdempotencyInProgress, OperationNotProcessed
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.claims import HeldClaim
from payrail.ledger.entry import Claim
from payrail.ledger.payment import Payment, evolve
from payrail.ledger.state import Committed


def answer_once(committed: Committed) -> Rendered:
    """The answer of an operation whose outcome entry was just written."""
    return render_outcome(committed.entry, committed.payment)


def answer_again(gateway: Gateway, held: HeldClaim) -> Rendered:
    """The stored answer of a finished operation, rendered from the ledger as of its outcome entry."""
    rendered = _render_at(gateway, held)
    return Rendered(rendered.status, rendered.body, replayed=True)


def answer_by_claim(gateway: Gateway, claim: Claim, payment_id: str, operation: str) -> Rendered:
    """The answer to the request that did the work, by what became of its key.

    Answered: the outcome. Open: 202 with the payment as it is. Given back: `OperationNotProcessed`.
    """
    held = gateway.journal.state.claims.get(claim.scope)
    if held is None:
        raise OperationNotProcessed(operation)
    if held.answered_by is None:
        return render_open(gateway.journal.state.payments[payment_id])
    return _render_at(gateway, held)


def still_running() -> Rendered:
    """The first request with this key is being worked on, here or in another process."""
    raise IdempotencyInProgress


def _render_at(gateway: Gateway, held: HeldClaim) -> Rendered:
    current = gateway.journal.state.payments.get(held.entity)
    entries = gateway.journal.read(held.entity, up_to_seq=held.answered_by)
    if current is not None and current.version == entries[-1].version:
        return render_outcome(entries[-1], current)
    payment: Payment | None = None
    for entry in entries:
        payment = evolve(payment, entry)
    if payment is None:
        raise LookupError(f"{held.entity} has no entries")
    return render_outcome(entries[-1], payment)
