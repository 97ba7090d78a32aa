"""The whole audit trail, piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.gateway.flows.trail import AuditFilter, Record, Trail

_RECORDS_PER_PIECE = 200


async def export_audit(gateway: Gateway, caller: Caller, wanted: AuditFilter) -> AsyncIterator[list[Record]]:
    """The contract's `AuditRecord`s that were written when this was called, oldest first, some at a time."""
    await gateway.journal.catch_up()
    records = Trail(gateway, caller.merchant_id, wanted).oldest_first()

    async def pieces() -> AsyncIterator[list[Record]]:
        while piece := await asyncio.to_thread(lambda: list(islice(records, _RECORDS_PER_PIECE))):
            yield piece

    return pieces()
