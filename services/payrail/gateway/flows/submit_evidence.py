"""Answer a dispute with evidence, which puts it under review."""

from payrail.gateway.domain import disputes
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_dispute, run_operation
from payrail.gateway.flows.settle_dispute import resume_dispute, settle_dispute


async def submit_evidence(
    gateway: Gateway, request: Request, dispute_id: str, kind: str, text: str
) -> Rendered:
    """200 once the provider has the evidence, 202 while nobody knows.

    Raises `DisputeNotFound`, `InvalidTransition`, `DeadlinePassed`, `OperationInProgress`, `OperationNotProcessed` and
    the refusals of the key.
    """
    await find_dispute(gateway, request.caller.merchant_id, dispute_id)
    claim = request.claim(f"POST /disputes/{dispute_id}/evidence", fingerprint({"kind": kind, "text": text}))
    return await run_operation(
        gateway, request, "disputes", claim,
        begin=lambda reserved, origin: disputes.submit_evidence(
            dispute_id, kind, text, claim, reserved, origin
        ),
        settle=settle_dispute,
        resume=resume_dispute,
    )  # fmt: skip
