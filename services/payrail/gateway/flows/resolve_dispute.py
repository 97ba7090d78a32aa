"""End a dispute: won, the money comes back; lost, it does not."""

from payrail.gateway.domain import disputes
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import find_dispute, run_operation
from payrail.gateway.flows.settle_dispute import resume_dispute, settle_dispute
from payrail.ledger.dispute_events import DisputeOutcome


async def resolve_dispute(
    gateway: Gateway, request: Request, dispute_id: str, outcome: DisputeOutcome
) -> Rendered:
    """200 once the provider confirmed the end, 202 while nobody knows.

    Raises `DisputeNotFound`, `InvalidTransition`, `OperationInProgress`, `OperationNotProcessed` and the refusals of
    the key.
    """
    await find_dispute(gateway, request.caller.merchant_id, dispute_id)
    claim = request.claim(f"POST /disputes/{dispute_id}/resolve", fingerprint({"outcome": outcome}))
    return await run_operation(
        gateway, request, "disputes", claim,
        begin=lambda reserved, origin: disputes.resolve_dispute(
            dispute_id, outcome, claim, reserved, origin
        ),
        settle=settle_dispute,
        resume=resume_dispute,
    )  # fmt: skip
