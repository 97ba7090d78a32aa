"""How late the entries are by their place: `seq` is the order, and times may run back from one entry to the next.

An entry has the time at which it was decided on, by the clock of who did. Another process, or another book of the same
batch, may get its place first; and a machine's clock may be set back.
"""

from array import array
from bisect import bisect_left

_NOTED_EVERY = 256


class Timeline:
    """Takes in each entry in sequence; knows up to where all are older than a time."""

    def __init__(self) -> None:
        #: The latest time of any entry, RFC 3339 UTC.
        self.newest_at: str | None = None
        self._seqs = array("Q")
        self._newest: list[str] = []  # The latest time up to the entry of the same index; it never runs back.

    def add(self, seq: int, at: str) -> None:
        """The next entry."""
        if self.newest_at is None or at > self.newest_at:
            self.newest_at = at
        if seq % _NOTED_EVERY == 0:
            self._seqs.append(seq)
            self._newest.append(self.newest_at)

    def all_older(self, at: str) -> int:
        """An entry's place up to which, itself included, none is of this time or later; 0 where there is none known.

        There may be some more: who looks from the newest entry back need not look beyond it.
        """
        known = bisect_left(self._newest, at)
        return self._seqs[known - 1] if known else 0
