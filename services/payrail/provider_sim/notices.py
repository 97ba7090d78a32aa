"""What a provider owes its customers: a webhook for each outcome of an operation. Pure, as `operations`.

Notices are derived from the records, in their order, so that a record that is durable cannot lose its webhook. Every
record has room for two: what became of it at once, and what becomes of it later.
"""

from collections.abc import Iterator

import msgspec

from payrail.provider_sim.magic_cards import Behaviour
from payrail.provider_sim.operations import Record
from payrail.provider_sim.profiles import Outcome

PER_RECORD = 2


class Notice(msgspec.Struct, frozen=True):
    """A webhook that is owed. ``ordinal`` is its place among its provider's, ``due_at`` RFC 3339 of one width."""

    ordinal: int
    record: Record
    status: Outcome
    due_at: str


def notices_of(number: int, record: Record) -> Iterator[Notice]:
    """The notices of a record, which is the ``number``-th of its provider, from 0."""
    first = number * PER_RECORD
    if record.behaviour is Behaviour.LATE_APPROVAL and record.due_at is not None:
        yield Notice(first, record, record.outcome, record.due_at)
        return
    yield Notice(first, record, record.outcome, record.at)
    if record.due_at is not None:
        later = Outcome.APPROVED if record.outcome is Outcome.PENDING else Outcome.FAILED
        yield Notice(first + 1, record, later, record.due_at)


def is_still_true(notice: Notice, status: Outcome | None) -> bool:
    """Whether a notice may go out: a late approval may not where it was reversed before it came."""
    return status is not Outcome.REVERSED or notice.record.behaviour is not Behaviour.LATE_APPROVAL


class Settled:
    """Which notices are settled for good: all before ``through``, and some after it."""

    def __init__(self) -> None:
        self.through = 0
        self.beyond: set[int] = set()

    def __contains__(self, ordinal: int) -> bool:
        return ordinal < self.through or ordinal in self.beyond

    def add(self, ordinal: int) -> None:
        """This one is settled."""
        if ordinal >= self.through:
            self.beyond.add(ordinal)
        while self.through in self.beyond:
            self.beyond.remove(self.through)
            self.through += 1

    def skip_to(self, ordinal: int) -> None:
        """All before this one are settled."""
        self.through = max(self.through, ordinal)
        self.beyond = {one for one in self.beyond if one > self.through}
        self.add(self.through - 1)
