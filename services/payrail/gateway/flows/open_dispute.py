"""Open a dispute at the provider that captured."""

from payrail.gateway.domain import disputes
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_payment, run_operation
from payrail.gateway.flows.settle_dispute import resume_dispute, settle_dispute


async def open_dispute(
    gateway: Gateway, request: Request, payment_id: str, amount: int | None, reason: str
) -> Rendered:
    """201 once the provider has opened it, 202 while nobody knows; without an amount it is all that is refundable.

    Raises `PaymentNotFound`, `InvalidTransition` for a payment that is not captured, `AmountExceedsRefundable`,
    `OperationNotProcessed` and the refusals of the key.
    """
    await find_payment(gateway, request.caller.merchant_id, payment_id)
    body = {"payment_id": payment_id, "amount": amount, "reason": reason}
    claim = request.claim("POST /disputes", fingerprint(body))
    dispute_id = gateway.new_id("dsp")
    return await run_operation(
        gateway, request, "disputes", claim,
        begin=lambda reserved, origin: disputes.open_dispute(
            dispute_id, payment_id, amount, reason, claim, reserved, origin
        ),
        settle=settle_dispute,
        resume=resume_dispute,
    )  # fmt: skip
