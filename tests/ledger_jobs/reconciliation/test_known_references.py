"""What a provider's row is for which the ledger has no movement: by what the ledger knows of its reference.

Each case is judged twice: by the state that a running stack has, and by a scan of the files.
"""

from pathlib import Path
from typing import Any

import pytest

from payrail.gateway.domain import refunds
from payrail.gateway.domain.origin import Origin
from payrail.gateway.domain.outcomes import Unknown
from payrail.ledger.entry import Actor
from payrail.ledger_jobs.reconciliation.known_references import judge_by
from payrail.ledger_jobs.reconciliation.scanned_references import judge_by_scan
from payrail.ledger_jobs.reconciliation.three_way import Owner
from stand_ins.merchant_books import NOON
from stand_ins.settled_books import SettledBooks

NOBODYS = "att_01JD" + "Z" * 22


@pytest.fixture
def books(tmp_path: Path) -> SettledBooks:
    return SettledBooks(tmp_path)


def judged(books: SettledBooks, operation: str, reference: str, **fields: Any) -> Owner:
    row = {
        "provider": "providerA", "operation": operation, "reference": reference, "authorization": NOBODYS,
    } | fields  # fmt: skip
    books.write()
    (by_state,) = judge_by(books.journal.state)([row])
    (by_scan,) = judge_by_scan(books.data_dir / "ledger")([row])
    assert by_scan == by_state
    return by_state


def attempt(books: SettledBooks, entity: str, operation: str) -> str:
    """The reference of the entity's latest attempt of this kind."""
    attempts = books.journal.state.subject(entity).attempts
    return [one.id for one in attempts if one.operation == operation][-1]


def test_a_movement_of_another_day_is_late(books: SettledBooks) -> None:
    payment_id = books.capture(600, 400)
    owner = judged(books, "capture", attempt(books, payment_id, "capture"))
    assert owner == Owner("timing", "m_demo", payment_id, payment_id)


def test_a_refund_whose_outcome_nobody_knows_is_missing_in_the_ledger(books: SettledBooks) -> None:
    payment_id, refund_id = open_refund(books)
    owner = judged(books, "refund", attempt(books, refund_id, "refund"))
    assert owner == Owner("missing_in_ledger", "m_demo", payment_id, refund_id)


def test_a_refund_that_the_ledger_has_as_refused_stands_otherwise(books: SettledBooks) -> None:
    payment_id = books.capture(1_000)
    refund_id = books.refund(payment_id, 300, succeeds=False)
    owner = judged(books, "refund", attempt(books, refund_id, "refund"))
    assert owner == Owner("status_mismatch", "m_demo", payment_id, refund_id)


def test_a_refund_that_failed_at_the_provider_alone_stands_otherwise(books: SettledBooks) -> None:
    refund_id = books.refund(books.capture(1_000), 300)
    reference = attempt(books, refund_id, "refund")
    assert judged(books, "refund_failed", reference).break_class == "status_mismatch"
    books.fail_late(refund_id)
    assert judged(books, "refund_failed", reference).break_class == "timing"


def test_a_dispute_that_was_won_at_the_provider_alone_stands_otherwise(books: SettledBooks) -> None:
    payment_id = books.capture(1_000, merchant="m_acme")
    dispute_id = books.dispute(payment_id)
    books.resolve(dispute_id, "LOST")
    assert judged(books, "chargeback", attempt(books, dispute_id, "dispute")).break_class == "timing"
    owner = judged(books, "chargeback_won", attempt(books, dispute_id, "resolution"))
    assert owner == Owner("status_mismatch", "m_acme", payment_id, dispute_id)


def test_what_happened_to_a_known_authorization_without_a_word_is_missing_in_the_ledger(
    books: SettledBooks,
) -> None:
    payment_id = books.capture(1_000)
    authorization = attempt(books, payment_id, "authorize")
    owner = judged(books, "chargeback", NOBODYS, authorization=authorization)
    assert owner == Owner("missing_in_ledger", "m_demo", payment_id, payment_id)


def test_what_the_ledger_never_heard_of_is_nobodys(books: SettledBooks) -> None:
    books.capture(1_000)
    assert judged(books, "capture", NOBODYS) == Owner("orphan")
    assert judged(books, "capture", "", authorization="") == Owner("orphan")


def test_a_reference_of_another_provider_is_nobodys(books: SettledBooks) -> None:
    """Whoever sends it has no business with it, and it is not to be shown to the merchant whose it is there."""
    reference = attempt(books, books.capture(1_000), "capture")
    assert judged(books, "capture", reference, provider="providerB") == Owner("orphan")


def open_refund(books: SettledBooks) -> tuple[str, str]:
    """A payment, and a refund of it whose call was not answered."""
    payment_id, refund_id = books.capture(1_000), books.id("ref")
    asked, decided = (
        Origin(Actor("olga", "operator"), "cor-1", NOON),
        Origin(Actor("anna", "approver"), "cor-1", NOON),
    )
    request = refunds.request_refund(refund_id, payment_id, 300, "returned", books._claim("m_demo"), asked)
    books.do("refunds", request)
    books.do("refunds", refunds.approve_refund(refund_id, books._claim("m_demo"), books._reserved(), decided))
    reference = attempt(books, refund_id, "refund")
    books.do("refunds", refunds.record_refund_outcome(refund_id, reference, Unknown("timeout"), decided))
    return payment_id, refund_id
