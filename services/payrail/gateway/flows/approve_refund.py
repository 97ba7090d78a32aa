"""Approve a refund and execute it at the provider that captured."""

from payrail.gateway.domain import refunds
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_refund, run_operation
from payrail.gateway.flows.settle_refund import resume_refund, settle_refund


async def approve_refund(gateway: Gateway, request: Request, refund_id: str) -> Rendered:
    """200 once the refund succeeded or failed, 202 while the provider has not said so.

    What was surely not processed stays approved, and approving it again executes it. Raises `RefundNotFound`,
    `MakerCheckerViolation`, `InvalidTransition`, `OperationInProgress`, `AmountExceedsRefundable`,
    `OperationNotProcessed` and the refusals of the key.
    """
    await find_refund(gateway, request.caller.merchant_id, refund_id)
    claim = request.claim(f"POST /refunds/{refund_id}/approve", fingerprint({}))
    return await run_operation(
        gateway, request, "refunds", claim,
        begin=lambda reserved, origin: refunds.approve_refund(refund_id, claim, reserved, origin),
        settle=settle_refund,
        resume=resume_refund,
    )  # fmt: skip
