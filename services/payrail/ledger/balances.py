"""The fold of balances: per account and currency, from postings alone."""

from collections import defaultdict
from collections.abc import Iterable

from payrail.ledger.postings import Posting, signed


class Balances:
    """Signed sums per (account, currency): debits positive, credits negative; over all accounts they are zero."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str], int] = defaultdict(int)

    def post(self, postings: Iterable[Posting]) -> None:
        """Add the postings of one entry."""
        for posting in postings:
            self._sums[posting.account, posting.currency] += signed(posting)

    def of(self, account: str, currency: str) -> int:
        """The signed balance of one account in one currency, in minor units."""
        return self._sums.get((account, currency), 0)

    def items(self) -> list[tuple[tuple[str, str], int]]:
        """All balances, ordered by account and currency."""
        return sorted(self._sums.items())

    def out_of_balance(self) -> dict[str, int]:
        """The currencies in which all accounts together are not zero; empty in sound books."""
        totals: defaultdict[str, int] = defaultdict(int)
        for (_account, currency), amount in self._sums.items():
            totals[currency] += amount
        return {currency: total for currency, total in totals.items() if total}
