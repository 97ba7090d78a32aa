"""What a verification has to say: findings, which make it fail, and notes, which do not."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

#: What is kept of each; a file of garbage must not fill the memory, nor the screen. All are counted.
KEPT_MAX = 1_000


class Finding(Struct, frozen=True):
    """Something that must not be. `file` is relative to the data directory, `line` counts from 1."""

    check: str
    file: str
    line: int | None
    reason: str


class Note(Struct, frozen=True):
    """Something worth knowing that is as it may be: an open intent, a torn tail, a quarantine file."""

    kind: str
    file: str
    line: int | None
    reason: str


class CurrencyTotals(Struct):
    """Sums over all payments of a currency, in minor units, and what all its accounts add up to: zero."""

    payments: int = 0
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    fees: int = 0
    balance: int = 0


class Account(Struct, frozen=True):
    """The signed balance of an account in minor units: debits positive, credits negative."""

    account: str
    currency: str
    balance: int


class Summary(Struct):
    """What was looked at."""

    entries: int = 0
    last_seq: int = 0
    last_hash: str = ""
    payments: int = 0
    states: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, CurrencyTotals] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    open_intents: int = 0
    files_scanned: int = 0
    bytes_scanned: int = 0


class Report:
    """Collects findings and notes; the first of each are kept, all are counted."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.notes: list[Note] = []
        self.summary = Summary()
        self._found: Counter[str] = Counter()
        self._noted: Counter[str] = Counter()

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self._found

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings each check made, those that were not kept among them."""
        return self._found

    @property
    def findings_total(self) -> int:
        return self._found.total()

    @property
    def notes_total(self) -> int:
        return self._noted.total()

    def find(self, check: str, file: str, line: int | None, reason: str) -> None:
        """Say that something is wrong."""
        self._found[check] += 1
        if len(self.findings) < KEPT_MAX:
            self.findings.append(Finding(check, file, line, reason))

    def note(self, kind: str, file: str, line: int | None, reason: str) -> None:
        """Say something that is worth knowing and not wrong."""
        self._noted[kind] += 1
        if len(self.notes) < KEPT_MAX:
            self.notes.append(Note(kind, file, line, reason))
