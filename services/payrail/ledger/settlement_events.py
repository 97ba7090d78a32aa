"""What the entries of the ledger jobs say: one struct per entry type, and the table that names them.

Days are UTC, `YYYY-MM-DD`. `from_seq` and `through_seq` are the first and the last place in the ledger whose movements
an entry covers, both included: of the movements of its day and owner, it covers those that stand between them.
"""

from msgspec import Struct, field


class SettledTotal(Struct, frozen=True, gc=False):
    """What one settlement covers at one provider in one currency, in minor units; what leaves the merchant is negative.

    `net` is `gross` less the merchant's `fee`. `released` is the part of it that captures made, which becomes
    available; refunds and chargebacks took theirs from what was available when they happened.
    """

    currency: str
    provider: str
    movements: int
    gross: int
    fee: int
    net: int
    released: int


class SettlementCreated(Struct, frozen=True, omit_defaults=True):
    """A closed day of a merchant is settled, or what came late of one that was settled before."""

    merchant_id: str
    date: str
    from_seq: int
    through_seq: int
    totals: tuple[SettledTotal, ...]


class PayoutCreated(Struct, frozen=True, omit_defaults=True):
    """All that is available to the merchant in a currency is on its way to the merchant's bank."""

    merchant_id: str
    amount: int
    currency: str


class PayoutPaid(Struct, frozen=True, omit_defaults=True):
    """The bank has paid it."""


class BankLine(Struct, frozen=True, gc=False):
    """Minor units of a currency: what the ledger expected of the provider, and what the provider's file says it paid.

    Both are changes: what is covered by the entries before this one is not in them.
    """

    currency: str
    expected: int
    received: int


class BankBooked(Struct, frozen=True, omit_defaults=True):
    """The provider paid a day's movements, as its own settlement file has it."""

    provider: str
    date: str
    from_seq: int
    through_seq: int
    lines: tuple[BankLine, ...]


class ReconciliationCompleted(Struct, frozen=True, omit_defaults=True):
    """A day of a merchant was compared with what others know of it: how much agrees, and the breaks by class."""

    merchant_id: str
    date: str
    matched: int
    breaks: dict[str, int] = field(default_factory=dict)


SETTLEMENT_EVENTS: dict[str, type[Struct]] = {
    "settlement.created": SettlementCreated,
    "payout.created": PayoutCreated,
    "payout.paid": PayoutPaid,
    "bank.booked": BankBooked,
    "reconciliation.completed": ReconciliationCompleted,
}
