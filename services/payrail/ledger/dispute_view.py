"""A dispute as the wire and the events show it: a pure rendering, so that a replay gives the same bytes again."""

from typing import Any

import msgspec

from payrail.ledger.attempt_view import attempt_view
from payrail.ledger.dispute import Dispute


def dispute_view(dispute: Dispute) -> dict[str, Any]:
    """The contract's `Dispute`: amounts in minor units, times RFC 3339 UTC."""
    return {
        "id": dispute.id,
        "merchant_id": dispute.merchant_id,
        "payment_id": dispute.payment_id,
        "state": dispute.state,
        "amount": dispute.amount,
        "currency": dispute.currency,
        "fee_amount": dispute.fee_amount,
        "reason": dispute.reason,
        "provider": dispute.provider,
        "provider_reference": dispute.provider_reference,
        "opened_by": dispute.opened_by,
        "respond_by": dispute.respond_by,
        "evidence": [
            {"kind": e.kind, "text": e.text, "submitted_by": e.submitted_by, "at": e.at}
            for e in dispute.evidence
            if e.submitted
        ],
        "decline": msgspec.structs.asdict(dispute.decline) if dispute.decline else None,
        "attempts": [attempt_view(attempt) for attempt in dispute.attempts],
        "created_at": dispute.created_at,
        "updated_at": dispute.updated_at,
        "version": dispute.version,
    }
