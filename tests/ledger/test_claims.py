"""Idempotency keys: held once, answered once, for one request; given back only when nothing happened."""

from typing import Any

import pytest

from payrail.ledger.claims import ClaimConflict, HeldClaim, evolve_claim
from payrail.ledger.entry import GENESIS, Claim, Draft, Entry, seal
from stand_ins.payments import ORIGIN, claim, pay, terms

KEY = claim("POST /payments/pay_1/capture", "key-1")


def _entry(seq: int, carried: Claim, entity: str = pay(1)) -> Entry:
    draft = Draft(
        "payments",
        entity,
        "payment.created",
        seq,
        terms(),
        ORIGIN.actor,
        "cor-1",
        ORIGIN.at,
        idempotency=carried,
    )
    return seal(draft, seq=seq, entry_id=f"le_{seq}", prev=GENESIS)[0]


def _fold(*carried: Claim | tuple[Claim, str]) -> HeldClaim | None:
    held: HeldClaim | None = None
    for seq, item in enumerate(carried, start=1):
        given: tuple[Any, ...] = item if isinstance(item, tuple) else (item,)
        held = evolve_claim(held, _entry(seq, *given), given[0])
    return held


def test_an_intent_claims_the_key_and_the_outcome_answers_it() -> None:
    assert _fold(KEY) == HeldClaim(KEY, pay(1), ORIGIN.at, claimed_by=1)
    held = _fold(KEY, KEY.finished())
    assert held is not None
    assert (held.claimed_by, held.answered_by) == (1, 2)


def test_one_entry_may_claim_and_answer() -> None:
    held = _fold(KEY.finished())
    assert held is not None
    assert (held.claimed_by, held.answered_by) == (1, 1)


def test_an_entry_between_may_carry_the_claim_on() -> None:
    held = _fold(KEY, KEY, KEY.finished())
    assert held is not None
    assert (held.claimed_by, held.answered_by) == (1, 3)


def test_a_key_that_is_given_back_is_free_for_another_entity_and_request() -> None:
    assert _fold(KEY, KEY.released()) is None
    held = _fold(KEY, KEY.released(), (claim(KEY.operation, KEY.key, "e" * 64), pay(2)))
    assert held is not None
    assert (held.entity, held.claimed_by) == (pay(2), 3)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param((KEY, (KEY, pay(2))), id="claimed by two entities"),
        pytest.param((KEY, (KEY.finished(), pay(2))), id="answered by another entity"),
        pytest.param((KEY, (KEY.released(), pay(2))), id="given back by another entity"),
        pytest.param((KEY, KEY.finished(), KEY.finished()), id="answered twice"),
        pytest.param((KEY, KEY.finished(), KEY.released()), id="given back after its answer"),
        pytest.param((KEY, KEY.finished(), KEY), id="claimed after its answer"),
        pytest.param((KEY.released(),), id="given back by nobody"),
        pytest.param((KEY, claim(KEY.operation, KEY.key, "e" * 64).finished()), id="another fingerprint"),
    ],
)
def test_what_may_not_happen_to_a_key_is_refused(history: tuple[Any, ...]) -> None:
    with pytest.raises(ClaimConflict):
        _fold(*history)


def test_a_key_is_unique_within_merchant_and_operation() -> None:
    scopes = {
        claim(operation, key, merchant_id=merchant).scope
        for operation in ("POST /payments", "POST /refunds")
        for key in ("a", "b")
        for merchant in ("m_demo", "m_acme")
    }
    assert len(scopes) == 8
