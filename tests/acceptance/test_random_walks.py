"""Random walks over a whole stack: in whatever order people, failures and time come, the books add up at the end.

The fixture proves the data files after each walk.
"""

from collections import Counter

import pytest
from random_walk import RandomWalk

from payrail.testing import PayRailStack

STEPS = 200


@pytest.mark.parametrize("seed", [6, 7])  # With the first a payment once stayed REVERSING for ever.
def test_every_walk_ends_with_nothing_open_and_amounts_that_agree(payrail: PayRailStack, seed: int) -> None:
    walk = RandomWalk(payrail, seed)
    walk.walk(STEPS)
    walk.settle()
    payments = list(payrail.client.payments.list(limit=100))
    assert not {one.state for one in payments} & {"AUTHORIZING", "UNKNOWN", "REVERSING"}
    refunds, disputes = list(payrail.client.refunds.list()), list(payrail.client.disputes.list())
    assert "PROCESSING" not in {one.state for one in refunds}
    for payment in payments:
        own = [one for one in refunds if one.payment_id == payment.id]
        refunded = sum(one.amount for one in own if one.state == "SUCCEEDED")
        reserved = sum(one.amount for one in own if one.state in ("PENDING_APPROVAL", "APPROVED"))
        disputed = sum(
            one.amount
            for one in disputes
            if one.payment_id == payment.id and one.state in ("NEEDS_RESPONSE", "UNDER_REVIEW", "LOST")
        )
        left = max(0, payment.amount_captured - refunded - reserved - disputed)
        assert (payment.amount_refunded, payment.amount_refundable) == (refunded, left), payment
        assert payment.amount_refunded <= payment.amount_captured <= payment.amount_authorized, payment
    assert walk.refused["invalid_transition"] > 0
    balances: Counter[str] = Counter()
    for account in payrail.client.balances().data:
        balances[account.currency] += account.amount
    assert not any(balances.values())
