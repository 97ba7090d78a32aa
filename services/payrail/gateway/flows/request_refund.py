"""Request a refund: its amount is reserved, and another user has to decide on it."""

from payrail.gateway.domain import refunds
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.replay import answer_again, answer_once
from payrail.ledger.state import Committed


async def request_refund(
    gateway: Gateway, request: Request, payment_id: str, amount: int | None, reason: str
) -> Rendered:
    """201 with the refund in `PENDING_APPROVAL`; without an amount it is all that can be refunded.

    Raises `PaymentNotFound`, `InvalidTransition` for a payment that is not captured, `AmountExceedsRefundable` and the
    refusals of the key.
    """
    body = {"payment_id": payment_id, "amount": amount, "reason": reason}
    claim = request.claim("POST /refunds", fingerprint(body))
    decide = refunds.request_refund(
        gateway.new_id("ref"), payment_id, amount, reason, claim, gateway.origin_of(request)
    )
    result = await gateway.journal.append("refunds", decide)
    return answer_once(result) if isinstance(result, Committed) else answer_again(gateway, result.held)
