"""All entry types of the three books, and how the data of each is read."""

from typing import Any

import msgspec
from msgspec import Struct

from payrail.ledger.dispute_events import DISPUTE_EVENTS
from payrail.ledger.payment_events import PAYMENT_EVENTS
from payrail.ledger.refund_events import REFUND_EVENTS
from payrail.ledger.settlement_events import SETTLEMENT_EVENTS

ENTRY_TYPES: dict[str, type[Struct]] = {
    **PAYMENT_EVENTS,
    **REFUND_EVENTS,
    **DISPUTE_EVENTS,
    **SETTLEMENT_EVENTS,
}

DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(data) for name, data in ENTRY_TYPES.items()
}
