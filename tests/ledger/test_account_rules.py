"""What each entry of payments, refunds and disputes has to post, in a life that has all of them."""

from collections import Counter

from payrail.ledger.account_rules import required_postings
from payrail.ledger.postings import sums_by_account
from payrail.ledger.state import LedgerState, Subject
from stand_ins.merchant_books import MerchantBooks

PROVIDER, AVAILABLE = "provider_receivable:providerA", "merchant_available:m_demo"


def test_what_was_posted_is_what_has_to_be_posted() -> None:
    books = MerchantBooks()
    payment = books.capture(10_000, provider_fee=320)
    books.fail_late(books.refund(payment, 1_000))
    books.refund(payment, 500, succeeds=False)
    books.resolve(books.dispute(payment, 2_000, provider_fee=1_500), "WON")
    books.resolve(books.dispute(payment, 300, provider_fee=1_500), "LOST")
    state, judged = LedgerState(), Counter[str]()
    for entry in books.journal.entries:
        before: Subject | None = state.latest(entry.entity)
        after = state.stage(entry).subject
        state.publish()
        required = sums_by_account(required_postings(entry, before, after))
        assert required == sums_by_account(entry.postings), entry
        judged[entry.type] += bool(required)
    assert dict(+judged) == {
        "payment.captured": 1, "refund.approved": 2, "refund.succeeded": 1, "refund.failed": 2, "dispute.opened": 2,
        "dispute.won": 1,
    }  # fmt: skip


def test_a_late_failure_gives_the_money_back_where_a_refusal_only_lets_it_stay() -> None:
    books = MerchantBooks()
    payment = books.capture(10_000, provider_fee=320)
    books.fail_late(books.refund(payment, 1_000))
    late = sums_by_account(books.journal.entries[-1].postings)
    books.refund(payment, 500, succeeds=False)
    refused = sums_by_account(books.journal.entries[-1].postings)
    assert late == {(PROVIDER, "USD"): 1_000, (AVAILABLE, "USD"): -1_000}
    assert refused == {("refund_clearing", "USD"): 500, (AVAILABLE, "USD"): -500}
