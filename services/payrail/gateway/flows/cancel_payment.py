"""Cancel a payment: at once if it was never authorized, else by a void at its provider."""

from payrail.gateway.domain import operations
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import NO_BODY
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_payment, run_operation
from payrail.gateway.flows.settle_operation import resume_operation, settle_operation


async def cancel_payment(gateway: Gateway, request: Request, payment_id: str) -> Rendered:
    """Release what is not captured: `CANCELED`, or `CAPTURED` where a part was captured before.

    200 once the provider confirmed, 202 while nobody knows. Raises `PaymentNotFound`, `InvalidTransition`,
    `OperationInProgress`, `OperationNotProcessed` and the refusals of the key.
    """
    await find_payment(gateway, request.caller.merchant_id, payment_id)
    claim = request.claim(f"POST /payments/{payment_id}/cancel", NO_BODY)
    return await run_operation(
        gateway, request, "payments", claim,
        begin=lambda reserved, origin: operations.begin_cancel(payment_id, claim, reserved, origin),
        settle=settle_operation,
        resume=resume_operation,
    )  # fmt: skip
