"""`data/idempotency/idempotency_keys.json`: the idempotency keys as a document that a person can open.

The ledger alone decides; this is what it says, written beside it a moment later. Losing the file loses nothing: it is
made anew from the ledger. Of several processes one keeps it, whoever holds its lease.
"""

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from payrail.ledger.claims import HeldClaim, Scope
from payrail.runtime.append_log import LockHeld, LogUnavailable
from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.journal import Journal, LedgerUnavailable
from payrail.runtime.keyed_store import KeyedStore, StoreCorrupt
from payrail.runtime.leases import Leases

#: An answered key is shown this long; one that is open, until it is answered.
KEPT = timedelta(hours=24)
INTERVAL_S = 1.0
_LEASE = "idempotency-cache"

logger = logging.getLogger(__name__)


class IdempotencyCache:
    """Follows the journal's claims into the document."""

    def __init__(self, path: Path, journal: Journal, clock: Clock, leases: Leases) -> None:
        self._path = path
        self._journal = journal
        self._clock = clock
        self._leases = leases
        self._ending: list[tuple[str, str]] = []  # A heap: when each shown key was claimed, and its name.

    async def run(self) -> None:
        """Keep the document for as long as this process can, until cancelled. A fault is logged and tried again."""
        while True:
            with self._leases.hold(_LEASE) as elected:
                if elected:
                    try:
                        await self._keep()
                    except (LockHeld, StoreCorrupt, LogUnavailable, LedgerUnavailable, OSError) as error:
                        logger.warning("the idempotency cache cannot be kept: %s", error)
            self._journal.state.claims_changed.clear()
            await asyncio.sleep(INTERVAL_S)

    async def _keep(self) -> None:
        store = await asyncio.to_thread(_open, self._path)
        try:
            self._journal.state.claims_changed.update(self._journal.state.claims)
            await self._forget_others(store)
            self._ending = [(record["claimed_at"], key) for key, record in store.items()]
            heapq.heapify(self._ending)
            while True:
                await self._write_changes(store)
                await asyncio.sleep(INTERVAL_S)
        finally:
            with contextlib.suppress(LogUnavailable, LedgerUnavailable):
                await self._write_changes(store)
            await store.close()

    async def _forget_others(self, store: KeyedStore) -> None:
        """Keys that the ledger does not hold: given back while nobody kept the document."""
        held = {_name(scope) for scope in self._journal.state.claims}
        await store.apply(delete=[key for key, _ in store.items() if key not in held])

    async def _write_changes(self, store: KeyedStore) -> None:
        await self._journal.catch_up()
        state = self._journal.state
        # The ledger's thread may add to it: what changed is taken out first, and looked at after.
        changed = set(state.claims_changed)
        state.claims_changed.difference_update(changed)
        earliest = rfc3339(self._clock.now() - KEPT)
        put: dict[str, dict[str, Any]] = {}
        gone: set[str] = set()
        for scope in changed:
            held, key = state.claims.get(scope), _name(scope)
            if held is not None and not _is_over(record := _record(held), earliest):
                put[key] = record
                heapq.heappush(self._ending, (record["claimed_at"], key))
            elif key in store:
                gone.add(key)
        gone.update(self._over(store, earliest))
        if put or gone:
            await store.apply(put=put, delete=gone - put.keys())

    def _over(self, store: KeyedStore, earliest: str) -> Iterator[str]:
        """The shown keys whose time is over. An open one is looked at again when it changes, which is when it is
        answered."""
        while self._ending and self._ending[0][0] < earliest:
            _, key = heapq.heappop(self._ending)
            record = store.get(key)
            if record is not None and _is_over(record, earliest):
                yield key


def _open(path: Path) -> KeyedStore:
    """The document. A damaged one is set aside: it holds nothing that the ledger does not."""
    try:
        return KeyedStore.open(path, name="idempotency.cache")
    except StoreCorrupt:
        for damaged in (path, path.with_name(path.name + ".log")):
            if damaged.exists():
                damaged.replace(damaged.with_name(damaged.name + ".quarantine"))
        return KeyedStore.open(path, name="idempotency.cache")


def _name(scope: Scope) -> str:
    merchant_id, operation, key = scope
    return f"{merchant_id} {operation} {key}"


def _record(held: HeldClaim) -> dict[str, Any]:
    return {
        "fingerprint": held.claim.fingerprint,
        "status": held.claim.status,
        "entity": held.entity,
        "claimed_at": held.claimed_at,
        "claimed_by": held.claimed_by,
        "answered_by": held.answered_by,
    }


def _is_over(record: dict[str, Any], earliest: str) -> bool:
    return record["answered_by"] is not None and record["claimed_at"] < earliest
