"""Capture an authorized payment, in part or whole, once or several times."""

from payrail.gateway.domain import operations
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_payment, run_operation
from payrail.gateway.flows.settle_operation import resume_operation, settle_operation


async def capture_payment(
    gateway: Gateway, request: Request, payment_id: str, amount: int | None, *, final: bool
) -> Rendered:
    """Capture `amount` minor units, all that is left if none; `final` releases the rest.

    200 once the provider captured, 202 while nobody knows. Raises `PaymentNotFound`, `InvalidTransition`,
    `AmountExceedsAuthorized`, `OperationInProgress`, `OperationNotProcessed` and the refusals of the key.
    """
    await find_payment(gateway, request.caller.merchant_id, payment_id)
    claim = request.claim(
        f"POST /payments/{payment_id}/capture", fingerprint({"amount": amount, "final": final})
    )
    return await run_operation(
        gateway, request, "payments", claim,
        begin=lambda reserved, origin: operations.begin_capture(
            payment_id, amount, claim, reserved, origin, final=final
        ),
        settle=settle_operation,
        resume=resume_operation,
    )  # fmt: skip
