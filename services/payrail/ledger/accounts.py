"""The chart of accounts. An account is named by a string; the ones with an owner carry it after a colon."""

FEE_REVENUE = "fee_revenue"
PROCESSING_COST = "processing_cost"
REFUND_CLEARING = "refund_clearing"
CHARGEBACK_COST = "chargeback_cost"
CHARGEBACK_FEE_REVENUE = "chargeback_fee_revenue"
BANK = "bank"
PAYOUT_CLEARING = "payout_clearing"
SUSPENSE = "suspense"


def provider_receivable(provider: str) -> str:
    """What the provider owes us for captured money."""
    return f"provider_receivable:{provider}"


def merchant_pending(merchant_id: str) -> str:
    """What we owe the merchant but have not settled yet."""
    return f"merchant_pending:{merchant_id}"


def merchant_available(merchant_id: str) -> str:
    """What the merchant can be paid out; it may go negative and carries forward."""
    return f"merchant_available:{merchant_id}"
