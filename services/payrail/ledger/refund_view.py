"""A refund as the wire and the events show it: a pure rendering, so that a replay gives the same bytes again."""

from typing import Any

import msgspec

from payrail.ledger.attempt_view import attempt_view
from payrail.ledger.refund import Refund


def refund_view(refund: Refund) -> dict[str, Any]:
    """The contract's `Refund`: the amount in minor units, times RFC 3339 UTC."""
    return {
        "id": refund.id,
        "merchant_id": refund.merchant_id,
        "payment_id": refund.payment_id,
        "state": refund.state,
        "amount": refund.amount,
        "currency": refund.currency,
        "reason": refund.reason,
        "provider": refund.provider,
        "provider_reference": refund.provider_reference,
        "requested_by": refund.requested_by,
        "decided_by": refund.decided_by,
        "failure": msgspec.structs.asdict(refund.failure) if refund.failure else None,
        "attempts": [attempt_view(attempt) for attempt in refund.attempts],
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
        "version": refund.version,
    }
