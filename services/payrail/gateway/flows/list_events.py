"""A merchant's events, newest first, derived from the ledger as its dispatcher derives them."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from payrail.gateway.domain.errors import EventNotFound
from payrail.gateway.flows.gateway import Caller, Gateway
from payrail.ledger.events import Event, event_of, may_make_event, seq_of
from payrail.runtime.journal.refold import committed_at
from payrail.runtime.pages import position_of, to_cursor


class EventFilter(Struct, frozen=True):
    """What an event must be to be listed. Times are the ledger's RFC 3339 UTC; `created_to` itself is not in."""

    types: frozenset[str] = frozenset()
    entity: str | None = None
    created_from: str | None = None
    created_to: str | None = None


async def list_events(
    gateway: Gateway, caller: Caller, wanted: EventFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}` with the contract's `Event`s. Raises `InvalidCursor`."""
    await gateway.journal.catch_up()
    seqs = gateway.journal.state.seqs_of.get(caller.merchant_id, ())
    below = len(seqs) if cursor is None else min(position_of(cursor), len(seqs))
    # Each event is its thing as it was then, folded anew: requests go on meanwhile.
    found = await asyncio.to_thread(
        lambda: list(islice(_newest_first(gateway, seqs, below, wanted), limit + 1))
    )
    more = len(found) > limit
    return {
        "data": [asdict(event) for event, _ in found[:limit]],
        "next_cursor": to_cursor(found[limit - 1][1]) if more else None,
    }


async def get_event(gateway: Gateway, caller: Caller, event_id: str) -> dict[str, Any]:
    """The contract's `Event`. Raises `EventNotFound`."""
    await gateway.journal.catch_up()
    seqs = gateway.journal.state.seqs_of.get(caller.merchant_id, ())
    try:
        seq = seq_of(event_id)
    except ValueError:
        raise EventNotFound from None
    if not seqs or not 1 <= seq <= seqs[-1]:
        raise EventNotFound
    event = await asyncio.to_thread(_event_at, gateway, seq)
    if event is None or event.id != event_id or event.merchant_id != caller.merchant_id:
        raise EventNotFound
    return asdict(event)


def _newest_first(
    gateway: Gateway, seqs: Any, below: int, wanted: EventFilter
) -> Iterator[tuple[Event, int]]:
    oldest = 0
    if wanted.created_from is not None:
        oldest = bisect_right(seqs, gateway.journal.state.timeline.all_older(wanted.created_from))
    for index in range(below - 1, oldest - 1, -1):
        entry = gateway.journal.entry(seqs[index])
        if (
            may_make_event(entry)
            and wanted.entity in (None, entry.entity)
            and (wanted.created_from is None or entry.at >= wanted.created_from)
            and (wanted.created_to is None or entry.at < wanted.created_to)
        ):
            event = event_of(committed_at(gateway.journal, entry.entity, entry.seq))
            if event is not None and (not wanted.types or event.type in wanted.types):
                yield event, index


def _event_at(gateway: Gateway, seq: int) -> Event | None:
    entry = gateway.journal.entry(seq)
    return event_of(committed_at(gateway.journal, entry.entity, seq)) if may_make_event(entry) else None
