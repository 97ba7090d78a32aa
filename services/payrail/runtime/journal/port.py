"""The journal as the rest of PayRail sees it. Files are the default; another engine implements the same port."""

from collections.abc import Callable, Iterator
from typing import ClassVar, Protocol, TypeVar

from payrail.ledger.entry import Book, Draft, Entry
from payrail.ledger.state import Committed, LedgerState
from payrail.runtime.journal.follower import Follower

T = TypeVar("T")

#: A pure decision on caught-up state: an entry to append, or anything else to hand back without appending.
#: A draft's `version` is the entity version it expects to make; its refusals are raised.
Decide = Callable[[LedgerState], Draft | T]


class LedgerUnavailable(Exception):
    """The ledger's files cannot be written now. Nothing of the command was appended; trying again later is safe."""

    code = "ledger_unavailable"
    detail = "The ledger cannot be written now; a retry with the same key finds out what became of it."
    headers: ClassVar = {"Retry-After": "1"}


class Journal(Protocol):
    """An ordered, durable, gapless log of entries, and the state they fold to."""

    @property
    def state(self) -> LedgerState:
        """The durable state as of the last append or `catch_up`."""
        ...

    @property
    def sound(self) -> bool:
        """Whether the ledger can be read and written as far as this process knows."""
        ...

    @property
    def seq(self) -> int:
        """The sequence number of the newest entry that `state` shows."""
        ...

    async def append(self, book: Book, decide: Decide[T]) -> Committed | T:
        """Decide under the journal's lock against caught-up state; return once the entry is durable.

        Raises what `decide` raises, and `LedgerUnavailable`. A caller that is cancelled does not take its command back.
        """
        ...

    async def catch_up(self) -> None:
        """Make `state` show everything that was durable, from any process, when this was called."""
        ...

    def read(self, entity: str, up_to_seq: int | None = None) -> list[Entry]:
        """The entity's entries in order, up to and with `up_to_seq`."""
        ...

    def entry(self, seq: int) -> Entry:
        """The entry with this sequence number, which `state` shows. May be called in any thread."""
        ...

    def tail(self, after_seq: int) -> Iterator[Entry]:
        """The entries after `after_seq`, in order, up to what `state` shows."""
        ...

    def follow(
        self, after_seq: int, wanted: Callable[[Entry], bool], on_news: Callable[[], None]
    ) -> Follower:
        """Take the entries after `after_seq` that are `wanted` one after the other, each with its things as of then.

        `on_news` is called in the event loop whenever entries came into `state` after this call, soon after they were
        appended, by whichever process. `wanted` looks at an entry quickly: it is asked about every one. The follower
        ends with its `close`.
        """
        ...
