"""Between which accounts the money of payments, refunds and disputes moves: what an entry posts follows from its data.

The gateway posts by these rules, and `payrail verify` proves by them that nobody posted anything else.
"""

from payrail.ledger import accounts
from payrail.ledger.dispute import Dispute
from payrail.ledger.dispute_events import DisputeTerms
from payrail.ledger.entry import Entry
from payrail.ledger.payment import Payment
from payrail.ledger.postings import Posting, reversed_postings, transfer
from payrail.ledger.refund import Refund
from payrail.ledger.state import Subject


def capture_postings(
    merchant_id: str, provider: str, amount: int, currency: str, *, merchant_fee: int, provider_fee: int
) -> tuple[Posting, ...]:
    """What a capture moves: the money, the merchant's fee, the provider's fee."""
    receivable = accounts.provider_receivable(provider)
    pending = accounts.merchant_pending(merchant_id)
    return (
        *transfer(receivable, pending, amount, currency),
        *transfer(pending, accounts.FEE_REVENUE, merchant_fee, currency),
        *transfer(accounts.PROCESSING_COST, receivable, provider_fee, currency),
    )


def refund_leaving(refund: Refund) -> tuple[Posting, ...]:
    """The money leaves the merchant's account and is on its way."""
    available = accounts.merchant_available(refund.merchant_id)
    return transfer(available, accounts.REFUND_CLEARING, refund.amount, refund.currency)


def refund_arriving(refund: Refund) -> tuple[Posting, ...]:
    """The provider has given the money back."""
    receivable = accounts.provider_receivable(refund.provider)
    return transfer(accounts.REFUND_CLEARING, receivable, refund.amount, refund.currency)


def refund_staying(refund: Refund) -> tuple[Posting, ...]:
    """The money did not reach its receiver: all that was posted is undone, late where the refund had succeeded."""
    arrived = reversed_postings(refund_arriving(refund)) if refund.state == "SUCCEEDED" else ()
    return (*arrived, *reversed_postings(refund_leaving(refund)))


def chargeback(disputed: Dispute | DisputeTerms) -> tuple[Posting, ...]:
    """The money goes back to the holder of the card, and is the merchant's no more."""
    available = accounts.merchant_available(disputed.merchant_id)
    receivable = accounts.provider_receivable(disputed.provider)
    return transfer(available, receivable, disputed.amount, disputed.currency)


def opening_postings(
    disputed: Dispute | DisputeTerms, merchant_fee: int, provider_fee: int
) -> tuple[Posting, ...]:
    """What a dispute that is opened moves: the money, the merchant's fee, the provider's fee."""
    available = accounts.merchant_available(disputed.merchant_id)
    receivable = accounts.provider_receivable(disputed.provider)
    return (
        *chargeback(disputed),
        *transfer(available, accounts.CHARGEBACK_FEE_REVENUE, merchant_fee, disputed.currency),
        *transfer(accounts.CHARGEBACK_COST, receivable, provider_fee, disputed.currency),
    )


def required_postings(entry: Entry, before: Subject | None, after: Subject) -> tuple[Posting, ...]:
    """What the entry has to post, by what it says and what it is about."""
    data = entry.data
    required: tuple[Posting, ...] = ()
    match entry.type, after:
        case "payment.captured", Payment():
            required = capture_postings(
                after.merchant_id, after.provider or "", data.amount, after.currency,
                merchant_fee=data.merchant_fee, provider_fee=data.provider_fee,
            )  # fmt: skip
        case (("refund.approved" | "refund.execution_started"), Refund()):
            required = refund_leaving(after)
        case "refund.succeeded", Refund():
            required = refund_arriving(after)
        case (("refund.failed" | "refund.not_processed"), Refund()):
            required = refund_staying(before if isinstance(before, Refund) else after)
        case "dispute.opened", Dispute():
            required = opening_postings(after, data.merchant_fee, data.provider_fee)
        case "dispute.won", Dispute():
            required = reversed_postings(chargeback(after))
    return required
