"""Whether no two entries have one id, in little memory: a ledger has millions of them."""

from array import array

from payrail.cli.verification.findings import Report

_PART = 250_000
_LINE_BITS = 48


class EntryIds:
    """Takes in each entry's id with its place; `finish` judges them.

    Of an id its hash is kept, 64 bits: of ten million different ones no two have the same, but for one ledger in a
    hundred thousand. They are compared part by part, because a set of all of them would take ten times the memory.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._hashes = array("q")
        self._places = array("Q")
        self._files: list[str] = []

    def add(self, entry_id: str, file: str, line: int) -> None:
        """The next entry."""
        if file not in self._files:
            self._files.append(file)
        self._hashes.append(hash(entry_id))
        self._places.append(self._files.index(file) << _LINE_BITS | line)

    def finish(self) -> None:
        """Say which entries have the id of one before them."""
        parts = 1 + len(self._hashes) // _PART
        for part in range(parts):
            seen: set[int] = set()
            for index, known in enumerate(self._hashes):
                if known % parts == part:
                    if known in seen:
                        self._find(self._places[index])
                    seen.add(known)

    def _find(self, place: int) -> None:
        file, line = self._files[place >> _LINE_BITS], place & ((1 << _LINE_BITS) - 1)
        self._report.find("entry_id", file, line, "an entry before it has the same id")
