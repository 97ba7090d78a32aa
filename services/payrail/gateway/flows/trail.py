"""The audit trail: the ledger's entries and the actions beside it, as one list in the order of time.

Both only grow at their end, so that a position in the list is a position in each, and stays where it is while records
are added. Nothing is indexed but merchants, payments and single things; other filters read what there is.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from payrail.gateway.domain.actions import Action
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.entry import Entry
from payrail.ledger.payment_view import entry_view
from payrail.runtime.journal.refold import entries_of

Record = dict[str, Any]


class AuditFilter(Struct, frozen=True):
    """What a record must be to be listed. Times are the ledger's RFC 3339 UTC; `created_to` itself is not in."""

    actor: str | None = None
    action: str | None = None
    entity: str | None = None
    payment_id: str | None = None
    correlation_id: str | None = None
    created_from: str | None = None
    created_to: str | None = None

    def matches(self, record: Record) -> bool:
        """Whether the record meets every condition that is set."""
        return (
            self.actor in (None, record["actor"]["id"])
            and self.action in (None, record["action"])
            and self.entity in (None, record["entity"])
            and self.payment_id in (None, record["payment_id"])
            and self.correlation_id in (None, record["correlation_id"])
            and (self.created_from is None or record["at"] >= self.created_from)
            and (self.created_to is None or record["at"] < self.created_to)
        )


class Position(Struct, frozen=True):
    """A place between two records: so many of the ledger's are older, and so many actions."""

    entries: int
    actions: int


class Trail:
    """A merchant's records that can meet a filter, as of now."""

    def __init__(self, gateway: Gateway, merchant_id: str, wanted: AuditFilter) -> None:
        self._wanted = wanted
        self._state = gateway.journal.state
        self._entry_at: Callable[[int], Entry] = gateway.journal.entry
        self._actions = gateway.trail.actions
        self._seqs = _seqs(gateway, merchant_id, wanted)
        #: The entries before it are all older than what is wanted.
        self._oldest = 0
        if wanted.created_from is not None:
            self._oldest = bisect_right(self._seqs, self._state.timeline.all_older(wanted.created_from))
        about_payment = wanted.payment_id is not None
        self._action_ids: Sequence[str] = () if about_payment else tuple(self._actions.of(merchant_id))
        self.end = Position(len(self._seqs), len(self._action_ids))

    def newest_first(self, below: Position) -> Iterator[tuple[Record, Position]]:
        """The records that are older than a position and meet the filter, each with the position just before it."""
        entries, actions = min(below.entries, self.end.entries), min(below.actions, self.end.actions)
        entry = self._entry(entries - 1)
        action = self._action(actions - 1)
        while newest := _newer(entry, action):
            if newest is entry:
                entries -= 1
                entry = self._entry(entries - 1)
            else:
                actions -= 1
                action = self._action(actions - 1)
            if self._wanted.matches(newest):
                yield newest, Position(entries, actions)

    def oldest_first(self) -> Iterator[Record]:
        """The records that meet the filter."""
        entries, actions = self._oldest, 0
        entry, action = self._entry(entries), self._action(0)
        while entry or action:
            if entry and (action is None or entry["at"] <= action["at"]):
                oldest, entries = entry, entries + 1
                entry = self._entry(entries)
            else:
                oldest, actions = action or {}, actions + 1
                action = self._action(actions)
            if self._wanted.matches(oldest):
                yield oldest

    def _entry(self, index: int) -> Record | None:
        if not self._oldest <= index < self.end.entries:
            return None
        entry = self._entry_at(self._seqs[index])
        return _record_of_entry(entry, self._state.payment_of(entry.entity))

    def _action(self, index: int) -> Record | None:
        if not 0 <= index < self.end.actions:
            return None
        return _record_of_action(self._actions[self._action_ids[index]])


def _newer(entry: Record | None, action: Record | None) -> Record | None:
    if entry is None or action is None:
        return entry or action
    return entry if entry["at"] > action["at"] else action


def _seqs(gateway: Gateway, merchant_id: str, wanted: AuditFilter) -> Sequence[int]:
    """Where to look: at one payment's entries or one thing's if the filter names it, else at all of the merchant's."""
    state = gateway.journal.state
    if wanted.payment_id is not None:
        payment = state.payments.get(wanted.payment_id)
        mine = payment is not None and payment.merchant_id == merchant_id
        return [entry.seq for entry in entries_of(gateway.journal, wanted.payment_id)] if mine else ()
    if wanted.entity is not None and "_" in wanted.entity:
        try:
            mine = state.merchant_of(wanted.entity) == merchant_id
        except KeyError:
            return ()
        return [entry.seq for entry in gateway.journal.read(wanted.entity)] if mine else ()
    return state.seqs_of.get(merchant_id, ())


def _record_of_entry(entry: Entry, payment_id: str | None) -> Record:
    view = entry_view(entry)
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": view["actor"],
        "action": entry.type,
        "entity": entry.entity,
        "payment_id": payment_id,
        "seq": entry.seq,
        "outcome": "recorded",
        "code": None,
        "correlation_id": entry.correlation_id,
        "data": view["data"],
    }


def _record_of_action(action: Action) -> Record:
    requested = action.requested
    return {
        "id": requested.id,
        "at": requested.at,
        "actor": {"id": requested.actor.id, "role": requested.actor.role},
        "action": requested.action,
        "entity": requested.entity,
        "payment_id": None,
        "seq": None,
        "outcome": action.outcome,
        "code": action.finished.code if action.finished else None,
        "correlation_id": requested.correlation_id,
        "data": requested.details,
    }
