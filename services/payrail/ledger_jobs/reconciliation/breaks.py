"""Breaks: what two parties say of the same money, where they do not say the same."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

BreakClass = Literal[
    "missing_in_provider",
    "missing_in_ledger",
    "amount_over",
    "amount_under",
    "fee_mismatch",
    "currency_mismatch",
    "status_mismatch",
    "duplicate",
    "orphan",
    "timing",
]
BREAK_CLASSES: tuple[BreakClass, ...] = get_args(BreakClass)
#: The party that the ledger is compared with: a provider's file, or PayRail's own settlement file.
Between = Literal["ledger_provider", "ledger_settlement"]

# In letters no run of digits can pass for a card number.
_LETTERS = str.maketrans("0123456789abcdef", "GHJKMNPQRSTVWXYZ")
_ID_LETTERS = 24


class Side(Struct, frozen=True, omit_defaults=True, gc=False):
    """What one party says: its day, and its amounts in minor units. `gross` is money to the merchant. A party that does
    not know a fee has none; `line` is the place in the party's file."""

    date: str
    currency: str
    gross: int
    provider_fee: int | None = None
    merchant_fee: int | None = None
    line: int | None = None


class Break(Struct, frozen=True, kw_only=True, rename={"break_class": "class"}):
    """One difference, with what each party says; a party that has nothing of it is none.

    The id follows from what the break says, so that the same difference has the same id in every run, and another
    difference at the same place has another. One that belongs to no merchant is of money that the ledger does not know.
    """

    id: str = ""
    break_class: BreakClass
    between: Between
    provider: str
    operation: str
    reference: str
    provider_reference: str | None = None
    merchant_id: str | None = None
    payment_id: str | None = None
    entity: str | None = None
    ledger: Side | None = None
    settlement: Side | None = None
    provider_file: Side | None = None


class SourceRows(Struct, frozen=True, gc=False):
    """What a run read of one party: how many rows, and the digest of its file."""

    rows: int
    sha256: str | None = None


class Figures(Struct, gc=False):
    """Sums of one party, in minor units: of gross amounts, and of the fee that the party knows."""

    items: int = 0
    gross: int = 0
    fee: int = 0


class Total(Struct, kw_only=True):
    """The three parties' sums of one merchant at one provider in one currency. PayRail's settlement file has the
    merchant's fees, the others those of the provider. No merchant: rows of the provider that are nobody's."""

    merchant_id: str | None
    provider: str
    currency: str
    ledger: Figures
    settlement: Figures | None
    provider_file: Figures


class Outcome(Struct, kw_only=True):
    """What a run found of one merchant: the items that agree, and the breaks by class."""

    merchant_id: str | None
    matched: int
    breaks: dict[str, int]


class Report(Struct, frozen=True, kw_only=True):
    """What a run found. It holds no time and no break's state, so that the same sources give the same bytes.

    `preliminary` is a day that was not over: its ledger and its files were still growing.
    """

    date: str
    status: Literal["preliminary", "final"]
    tolerance_days: int
    ledger: SourceRows
    settlement: SourceRows | None
    providers: dict[str, SourceRows]
    outcomes: list[Outcome]
    totals: list[Total]
    breaks: list[Break]

    @property
    def matched(self) -> int:
        """The ledger's items of the day with which all others agree."""
        return sum(outcome.matched for outcome in self.outcomes)


def numbered(date: str, breaks: list[Break]) -> list[Break]:
    """The breaks with their ids, in the order of their place; equal ones are told apart by how many came before."""
    ordered = sorted(breaks, key=_place)
    seen: dict[bytes, int] = {}
    named = []
    for one in ordered:
        said = msgspec.json.encode(
            [date, *(_without_line(part) for part in msgspec.structs.astuple(one)[1:])]
        )
        nth = seen[said] = seen.get(said, 0) + 1
        digest = sha256(b"%d:%b" % (nth, said)).hexdigest()
        named.append(replace(one, id=f"brk_{digest[:_ID_LETTERS].translate(_LETTERS)}"))
    return named


def counted(breaks: list[Break]) -> dict[str, int]:
    """How many breaks there are of each class that occurs, in the order of the classes."""
    counts: Mapping[str, int] = {
        name: sum(one.break_class == name for one in breaks) for name in BREAK_CLASSES
    }
    return {name: count for name, count in counts.items() if count}


def _place(one: Break) -> tuple[str, str, str, str, str, int]:
    line = (one.provider_file or one.settlement or Side("", "", 0)).line or 0
    return one.provider, one.reference, one.operation, one.between, one.break_class, line


def _without_line(part: object) -> object:
    """Lines move when others come or go; the difference stays the same."""
    return replace(part, line=None) if isinstance(part, Side) else part
