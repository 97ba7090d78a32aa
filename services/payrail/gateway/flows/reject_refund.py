"""Reject a refund: nothing goes out, and what it reserved is free again."""

from payrail.gateway.domain import refunds
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_refund
from payrail.gateway.flows.replay import answer_again, answer_once
from payrail.ledger.state import Committed


async def reject_refund(gateway: Gateway, request: Request, refund_id: str) -> Rendered:
    """200 with the refund in `REJECTED`. Raises `RefundNotFound`, `MakerCheckerViolation`, `InvalidTransition` and the
    refusals of the key."""
    await find_refund(gateway, request.caller.merchant_id, refund_id)
    claim = request.claim(f"POST /refunds/{refund_id}/reject", fingerprint({}))
    decide = refunds.reject_refund(refund_id, claim, gateway.origin_of(request))
    result = await gateway.journal.append("refunds", decide)
    return answer_once(result) if isinstance(result, Committed) else answer_again(gateway, result.held)
