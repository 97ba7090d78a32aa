"""The contract shows a payment's ledger and the payment itself; the two must tell the same story."""

from itertools import pairwise
from typing import Any

import bundles
import msgspec
import pytest

from payrail.ledger.entry import Actor, Entry
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import PAYMENT_EVENTS
from payrail.ledger.payment_fold import evolve
from payrail.ledger.payment_view import entry_view, payment_view
from payrail.ledger.postings import Posting, require_balanced

EXAMPLES = bundles.raw("gateway")["components"]["examples"]
SHOWN: list[dict[str, Any]] = EXAMPLES["CapturedPaymentLedger"]["value"]["data"]


def entry_of(shown: dict[str, Any]) -> Entry:
    return Entry(
        seq=shown["seq"],
        id=shown["id"],
        book=shown["book"],
        entity=shown["entity"],
        type=shown["type"],
        version=shown["version"],
        at=shown["at"],
        data=msgspec.convert(shown["data"], PAYMENT_EVENTS[shown["type"]]),
        postings=tuple(msgspec.convert(posting, Posting) for posting in shown["postings"]),
        actor=msgspec.convert(shown["actor"], Actor),
        correlation_id=shown["correlation_id"],
        idempotency=None,
        prev="",
    )


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown["type"])
def test_each_shown_entry_is_one_that_the_ledger_writes(shown: dict[str, Any]) -> None:
    entry = entry_of(shown)
    require_balanced(entry.postings)
    assert msgspec.json.decode(msgspec.json.encode(entry_view(entry))) == shown


@pytest.mark.parametrize(
    ("version", "example"), [(1, "CreatedPayment"), (3, "AuthorizedPayment"), (5, "CapturedPayment")]
)
def test_the_shown_entries_fold_to_the_shown_payment(version: int, example: str) -> None:
    payment: Payment | None = None
    for shown in SHOWN[:version]:
        payment = evolve(payment, entry_of(shown))
    assert payment is not None
    assert msgspec.json.decode(msgspec.json.encode(payment_view(payment))) == EXAMPLES[example]["value"]


def test_the_shown_entries_stand_in_their_order() -> None:
    assert all(
        one["seq"] < next_one["seq"] and one["at"] <= next_one["at"] for one, next_one in pairwise(SHOWN)
    )
