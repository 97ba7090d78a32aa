"""A payment as the wire and the events show it: a pure rendering, so that a replay gives the same bytes again."""

from typing import Any

import msgspec

from payrail.ledger.attempt_view import attempt_view
from payrail.ledger.entry import Entry
from payrail.ledger.payment import Payment


def payment_view(payment: Payment) -> dict[str, Any]:
    """The contract's `Payment`: amounts in minor units, times RFC 3339 UTC."""
    decline = payment.decline
    return {
        "id": payment.id,
        "merchant_id": payment.merchant_id,
        "customer_id": payment.customer_id,
        "state": payment.state,
        "amount": payment.amount,
        "currency": payment.currency,
        "amount_authorized": payment.amount_authorized,
        "amount_captured": payment.amount_captured,
        "amount_refunded": payment.amount_refunded,
        "amount_refundable": payment.amount_refundable,
        "capture_method": payment.capture_method,
        "country": payment.country,
        "merchant_reference": payment.merchant_reference,
        "description": payment.description,
        "metadata": payment.metadata,
        "payment_method": msgspec.structs.asdict(payment.payment_method),
        "provider": payment.provider,
        "provider_reference": payment.provider_reference,
        "decline": msgspec.structs.asdict(decline) if decline else None,
        "attempts": [attempt_view(attempt) for attempt in payment.attempts],
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
        "expires_at": payment.expires_at,
        "version": payment.revision,
    }


def entry_view(entry: Entry) -> dict[str, Any]:
    """The contract's `LedgerEntry`: what happened, which postings it made, who caused it."""
    return {
        "id": entry.id,
        "seq": entry.seq,
        "book": entry.book,
        "entity": entry.entity,
        "type": entry.type,
        "version": entry.version,
        "at": entry.at,
        "data": msgspec.to_builtins(entry.data),
        "postings": [msgspec.structs.asdict(posting) for posting in entry.postings],
        "actor": msgspec.structs.asdict(entry.actor),
        "correlation_id": entry.correlation_id,
    }
