"""Postings balance in every currency, or the entry does not come into being."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payrail.ledger.balances import Balances
from payrail.ledger.entry import GENESIS, Draft, seal
from payrail.ledger.postings import Posting, UnbalancedPostings, require_balanced, signed, transfer
from stand_ins.payments import ORIGIN, pay, terms

AMOUNTS = st.integers(1, 10**11)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY"])
ACCOUNTS = st.sampled_from(["bank", "suspense", "fee_revenue", "merchant_pending:m_demo"])
POSTINGS = st.lists(
    st.builds(Posting, ACCOUNTS, st.sampled_from(["debit", "credit"]), st.integers(-3, 10**11), CURRENCIES),
    max_size=8,
)
TRANSFERS = st.lists(st.tuples(ACCOUNTS, ACCOUNTS, AMOUNTS, CURRENCIES), max_size=6)


def _draft(postings: tuple[Posting, ...]) -> Draft:
    return Draft(
        "payments", pay(1), "payment.created", 1, terms(), ORIGIN.actor, "cor-1", ORIGIN.at, postings=postings
    )


def _balanced(postings: list[Posting]) -> bool:
    sums: dict[str, int] = {}
    for posting in postings:
        sums[posting.currency] = sums.get(posting.currency, 0) + signed(posting)
    return not any(sums.values()) and all(posting.amount > 0 for posting in postings)


@given(POSTINGS)
def test_exactly_the_balanced_sets_are_sealed(postings: list[Posting]) -> None:
    if _balanced(postings):
        require_balanced(postings)
        seal(_draft(tuple(postings)), seq=1, entry_id="le_1", prev=GENESIS)
    else:
        with pytest.raises(UnbalancedPostings):
            seal(_draft(tuple(postings)), seq=1, entry_id="le_1", prev=GENESIS)


@given(TRANSFERS, st.integers(0, 11), st.integers(1, 1000))
def test_a_balanced_set_with_one_amount_changed_is_refused(
    transfers: list[tuple[str, str, int, str]], which: int, change: int
) -> None:
    postings = [posting for given_transfer in transfers for posting in transfer(*given_transfer)]
    require_balanced(postings)
    if not postings:
        return
    at = which % len(postings)
    changed = postings[at]
    postings[at] = Posting(changed.account, changed.side, changed.amount + change, changed.currency)
    with pytest.raises(UnbalancedPostings, match=changed.currency):
        require_balanced(postings)


def test_debits_in_one_currency_do_not_pay_credits_in_another() -> None:
    with pytest.raises(UnbalancedPostings):
        require_balanced([Posting("bank", "debit", 5, "USD"), Posting("suspense", "credit", 5, "EUR")])


def test_a_transfer_of_nothing_posts_nothing_and_a_negative_one_is_refused() -> None:
    assert transfer("bank", "suspense", 0, "USD") == ()
    with pytest.raises(UnbalancedPostings):
        transfer("bank", "suspense", -1, "USD")


@given(TRANSFERS)
def test_all_accounts_together_are_zero_whatever_is_transferred(
    transfers: list[tuple[str, str, int, str]],
) -> None:
    balances = Balances()
    for given_transfer in transfers:
        balances.post(transfer(*given_transfer))
    assert balances.out_of_balance() == {}
    for account in {name for debit, credit, *_ in transfers for name in (debit, credit)}:
        for currency in ("USD", "EUR", "JPY"):
            expected = sum(
                amount * ((debit == account) - (credit == account))
                for debit, credit, amount, in_currency in transfers
                if in_currency == currency
            )
            assert balances.of(account, currency) == expected


def test_a_posting_without_its_counterpart_shows_as_out_of_balance() -> None:
    balances = Balances()
    balances.post([Posting("bank", "debit", 7, "USD")])
    assert balances.out_of_balance() == {"USD": 7}
