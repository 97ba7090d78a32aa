"""How many of a merchant's things are in which state, and the money by currency: folded as entries are published."""

from collections import defaultdict

from msgspec import Struct

from payrail.ledger.payment import Payment


class CurrencyTotals(Struct):
    """Sums over all payments of a currency, in minor units."""

    payments: int = 0
    amount: int = 0
    amount_authorized: int = 0
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_disputed: int = 0


class Totals:
    """One merchant's. Counts are by state, sums by currency."""

    def __init__(self) -> None:
        self.payments: defaultdict[str, int] = defaultdict(int)
        self.refunds: defaultdict[str, int] = defaultdict(int)
        self.disputes: defaultdict[str, int] = defaultdict(int)
        self.currencies: defaultdict[str, CurrencyTotals] = defaultdict(CurrencyTotals)

    def change_payment(self, before: Payment | None, after: Payment) -> None:
        """A payment is no longer as it was, if it was, but as it is now."""
        change_state(self.payments, before.state if before else None, after.state)
        sums = self.currencies[after.currency]
        if before is None:
            sums.payments += 1
            sums.amount += after.amount
            authorized = captured = refunded = disputed = 0
        else:
            authorized, captured = before.amount_authorized, before.amount_captured
            refunded, disputed = before.amount_refunded, before.amount_disputed
        sums.amount_authorized += after.amount_authorized - authorized
        sums.amount_captured += after.amount_captured - captured
        sums.amount_refunded += after.amount_refunded - refunded
        sums.amount_disputed += after.amount_disputed - disputed


def change_state(counts: defaultdict[str, int], before: str | None, after: str) -> None:
    """One thing left a state, if it had one, and is in another."""
    if before == after:
        return
    if before is not None:
        counts[before] -= 1
    counts[after] += 1
