"""Answering a request from the ledger: the first time, and again when its idempotency key comes back."""

from payrail.gateway.domain.answers import Rendered, render_open, render_outcome
from payrail.gateway.domain.errors import OperationNotProcessed
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.claims import HeldClaim
from payrail.ledger.entry import Claim
from payrail.ledger.state import Committed
from payrail.runtime.journal.refold import committed_at


def answer_once(committed: Committed) -> Rendered:
    """The answer of an operation whose outcome entry was just written."""
    return render_outcome(committed.entry, committed.subject)


def answer_again(gateway: Gateway, held: HeldClaim) -> Rendered:
    """The stored answer of a finished operation, rendered from the ledger as of its outcome entry."""
    rendered = _render_at(gateway, held)
    return Rendered(rendered.status, rendered.body, replayed=True)


def answer_by_claim(gateway: Gateway, claim: Claim) -> Rendered:
    """The answer to a request that did not write the outcome itself, by what became of its key.

    Answered, by whoever got there first: a replay. Open: 202 with the thing as it is. Given back:
    `OperationNotProcessed`.
    """
    held = gateway.journal.state.claims.get(claim.scope)
    if held is None:
        raise OperationNotProcessed
    if held.answered_by is None:
        return render_open(gateway.journal.state.subject(held.entity))
    return answer_again(gateway, held)


def _render_at(gateway: Gateway, held: HeldClaim) -> Rendered:
    """The answer as of the outcome entry: from the state if nothing came after it, else folded again up to there."""
    answered_by = held.answered_by or 0
    current = gateway.journal.state.subject(held.entity)
    if current.seq == answered_by:
        return render_outcome(gateway.journal.read(held.entity, answered_by)[-1], current)
    committed = committed_at(gateway.journal, held.entity, answered_by)
    return render_outcome(committed.entry, committed.subject)
