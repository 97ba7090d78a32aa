"""Double-entry postings: every entry that moves money debits and credits the same sum in each currency."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Side = Literal["debit", "credit"]


class Posting(Struct, frozen=True, gc=False):
    """`amount` minor units (never negative) on one side of one account."""

    account: str
    side: Side
    amount: int
    currency: str


class UnbalancedPostings(ValueError):
    """Debits and credits of an entry differ in a currency; such an entry is never written."""

    code = "unbalanced_postings"


def transfer(debit: str, credit: str, amount: int, currency: str) -> tuple[Posting, ...]:
    """Move `amount` from the `credit` account to the `debit` account; nothing at all for an amount of zero."""
    if amount < 0:
        raise UnbalancedPostings(f"A transfer moves a positive amount, not {amount} {currency}.")
    if amount == 0:
        return ()
    return (Posting(debit, "debit", amount, currency), Posting(credit, "credit", amount, currency))


def moved(debit: str, credit: str, amount: int, currency: str) -> tuple[Posting, ...]:
    """As `transfer`, but a negative amount moves the other way."""
    return (
        transfer(debit, credit, amount, currency)
        if amount >= 0
        else transfer(credit, debit, -amount, currency)
    )


def reversed_postings(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The postings that undo these."""
    return tuple(
        Posting(p.account, "credit" if p.side == "debit" else "debit", p.amount, p.currency) for p in postings
    )


def signed(posting: Posting) -> int:
    """The posting's amount with the sign that makes all accounts sum to zero: debits positive, credits negative."""
    return posting.amount if posting.side == "debit" else -posting.amount


def sums_by_account(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """What the postings change, by account and currency; an account that they leave as it is does not appear."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        sums[posting.account, posting.currency] += signed(posting)
    return {key: amount for key, amount in sums.items() if amount}


def require_balanced(postings: Iterable[Posting]) -> None:
    """Raise `UnbalancedPostings` unless debits equal credits in every currency and no amount is below one."""
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        if posting.amount < 1:
            raise UnbalancedPostings(
                f"{posting.account} is posted {posting.amount}: an amount is at least 1."
            )
        sums[posting.currency] += signed(posting)
    for currency, difference in sums.items():
        if difference:
            raise UnbalancedPostings(f"Debits and credits differ by {difference} {currency}.")
