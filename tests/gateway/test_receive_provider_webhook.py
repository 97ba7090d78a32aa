"""What the providers tell, in whatever order and however often it comes: against the flow alone."""

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from shop import Shop

from payrail.gateway.domain import operations, refunds
from payrail.gateway.domain.errors import OperationInProgress, OperationNotProcessed
from payrail.gateway.domain.notices import Notice
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved, Declined, Unknown
from payrail.gateway.flows.receive_provider_webhook import receive_provider_webhook
from payrail.ledger.entry import Actor, Claim
from payrail.ledger.payment_events import Decline
from payrail.ledger.state import LedgerState


def notice(
    reference: str, said: Any, *, kind: str = "authorize", original: str | None = None, amount: int = 1000
) -> Notice:
    as_refund = said if isinstance(said, Approved | Declined) else Unknown("x")
    return Notice(
        f"msg_{reference}",
        "providerA",
        "x",
        kind,
        reference,
        original,
        amount,
        "USD",
        said,
        as_refund,
        "fraudulent",
    )


async def test_while_a_call_is_on_its_way_its_answer_comes_first(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id)
    reference = shop.payment(payment_id).attempts[0].id
    told = notice(reference, Approved("pi_1"))
    with shop.leases.hold(reference), pytest.raises(OperationInProgress):
        await receive_provider_webhook(shop.gateway, told, "cor")
    assert await receive_provider_webhook(shop.gateway, told, "cor") == "applied"
    assert shop.payment(payment_id).state == "AUTHORIZED"


async def test_what_is_known_for_good_needs_no_lease_and_nothing_is_decided(shop: Shop) -> None:
    payment_id = await shop.authorized_payment()
    reference = shop.payment(payment_id).attempts[0].id
    entries = shop.entry_types(payment_id)
    with shop.leases.hold(reference):
        for said in (Approved("pi_1"), Declined(Decline("generic_decline", "No."), None)):
            assert await receive_provider_webhook(shop.gateway, notice(reference, said), "cor") == "known"
    assert shop.entry_types(payment_id) == entries


async def test_a_late_approval_of_a_reversed_reference_is_voided_and_the_ledger_shows_it(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    payment_id = await shop.authorized_payment()
    reversed_one = shop.payment(payment_id).attempts[0]
    assert (reversed_one.provider, reversed_one.outcome) == ("providerA", "reversed")
    late = notice(reversed_one.id, Approved("pi_late"))
    assert await receive_provider_webhook(shop.gateway, late, "cor") == "applied"
    assert shop.entry_types(payment_id)[-2:] == ["late_reversal_started", "late_approval_voided"]
    assert shop.outcomes(payment_id)[-1] == ("late_reversal", "providerA", "approved")
    assert shop.payment(payment_id).state == "AUTHORIZED"
    assert shop.payment(payment_id).provider == "providerB"
    assert await receive_provider_webhook(shop.gateway, late, "cor") == "known"
    assert (await shop.capture(payment_id)).body["state"] == "CAPTURED"


@pytest.mark.parametrize("wire", ["lost_before", "lost_after", "not_processed"])
async def test_a_late_approval_is_voided_however_often_the_reversal_gets_lost(shop: Shop, wire: str) -> None:
    shop.providers.script("authorize", "lost_before")
    payment_id = await shop.authorized_payment()
    late = notice(shop.payment(payment_id).attempts[0].id, Approved("pi_late"))
    shop.providers.script("reverse", wire)  # type: ignore[arg-type]
    shop.providers.script("inquire", "lost_before")
    for _ in range(3):
        with suppress(OperationNotProcessed, OperationInProgress):  # The provider sends it again.
            await receive_provider_webhook(shop.gateway, late, "cor")
        await shop.resolve()
    assert shop.outcomes(payment_id)[-1] == ("late_reversal", "providerA", "approved")
    assert shop.payment(payment_id).state == "AUTHORIZED"


async def test_a_late_approval_is_voided_even_if_the_reversal_is_refused_at_first(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    payment_id = await shop.authorized_payment()
    late = notice(shop.payment(payment_id).attempts[0].id, Approved("pi_late"))
    shop.providers.reverse_fate = "processing_error"
    with pytest.raises(OperationNotProcessed):  # The provider sends it again.
        await receive_provider_webhook(shop.gateway, late, "cor")
    shop.providers.reverse_fate = "approved"
    assert await receive_provider_webhook(shop.gateway, late, "cor") == "applied"
    assert shop.outcomes(payment_id)[-1] == ("late_reversal", "providerA", "approved")


@pytest.mark.parametrize("said", [Approved("pi_1"), Declined(Decline("lost_card", "No."))])
async def test_a_webhook_of_another_amount_is_kept_and_closes_nothing(shop: Shop, said: Any) -> None:
    shop.providers.script("authorize", "lost_after")
    shop.providers.script("inquire", "lost_before")
    payment_id = await shop.new_payment()
    await shop.authorize(payment_id)
    before = shop.payment(payment_id)
    told = notice(before.attempts[0].id, said, amount=999)
    assert await receive_provider_webhook(shop.gateway, told, "cor") == "unmatched"
    assert shop.payment(payment_id) == before
    right = notice(before.attempts[0].id, said)
    assert await receive_provider_webhook(shop.gateway, right, "cor") == "applied"


async def test_a_late_approval_is_voided_whatever_its_amount(shop: Shop) -> None:
    shop.providers.script("authorize", "lost_before")
    payment_id = await shop.authorized_payment()
    late = notice(shop.payment(payment_id).attempts[0].id, Approved("pi_late"), amount=999)
    assert await receive_provider_webhook(shop.gateway, late, "cor") == "applied"
    assert shop.outcomes(payment_id)[-1] == ("late_reversal", "providerA", "approved")


async def test_a_refund_fails_neither_early_nor_late_by_a_webhook_of_another_amount(tmp_path: Path) -> None:
    story = Story(tmp_path)
    approved, failed = (await story.begin())[2:4]
    shop = story.shop
    for told, state in ((approved, "PROCESSING"), (failed, "PROCESSING"), (failed, "SUCCEEDED")):
        if state == "SUCCEEDED":
            assert await receive_provider_webhook(shop.gateway, approved, "cor") == "applied"
        wrong = replace(told, amount=19)
        assert await receive_provider_webhook(shop.gateway, wrong, "cor") == "unmatched"
        assert shop.journal.state.refunds["ref_1"].state == state
    shop.leases.close()


class Story:
    """A payment of which 60 are captured, a refund of 20 under way, a capture of 40 unanswered, and its webhooks."""

    def __init__(self, directory: Path) -> None:
        self.shop = Shop(directory)
        self.shop.providers.script("inquire", "lost_before", times=1000)

    async def begin(self) -> list[Notice]:
        shop = self.shop
        self.payment_id = await shop.authorized_payment(amount=100)
        await shop.capture(self.payment_id, 60)
        self._do(
            refunds.request_refund("ref_1", self.payment_id, 20, "x", self._claim("r"), self._origin("olga"))
        )
        self._do(
            refunds.approve_refund("ref_1", self._claim("a"), Reserved("att_r", "p"), self._origin("anna"))
        )
        final = operations.begin_capture(
            self.payment_id, 40, self._claim("c"), Reserved("att_c", "p"), self._origin("olga"), final=True
        )
        self._do(final)
        authorization = shop.payment(self.payment_id).attempts[0].id
        failed = Declined(Decline("refund_failed", "No."))
        return [
            notice(authorization, Approved("pi_1"), amount=100),
            notice("att_c", Approved("ch_2", 3), kind="capture", original=authorization, amount=40),
            notice("att_r", Approved("re_1"), kind="refund", original=authorization, amount=20),
            notice("att_r", failed, kind="refund", original=authorization, amount=20),
            notice("att_d", Approved("dp_1", 15), kind="dispute", original=authorization, amount=100),
        ]

    async def tell(self, notices: Any) -> None:
        for one in notices:
            await receive_provider_webhook(self.shop.gateway, one, "cor")

    def end(self) -> tuple[Any, ...]:
        state = self.shop.journal.state
        payment = state.payments[self.payment_id]
        assert state.balances.out_of_balance() == {}
        folded = LedgerState()
        for entry in self.shop.memory.entries:
            folded.stage(entry)
            folded.publish()
        assert folded.payments == state.payments
        (dispute,) = state.disputes.values()
        return (
            payment.state, payment.amount_captured, payment.amount_refunded, payment.amount_disputed,
            state.refunds["ref_1"].state, dispute.state, tuple(state.balances.items()),
        )  # fmt: skip

    def _do(self, decision: Any) -> None:
        self.shop.memory.append_now("payments", decision)

    def _claim(self, key: str) -> Claim:
        return Claim("m_demo", f"POST /{key}", key, "f")

    def _origin(self, user: str) -> Origin:
        return Origin(Actor(user, "approver"), "cor", self.shop.gateway.now())


EXPECTED = ("CAPTURED", 100, 0, 100, "FAILED", "NEEDS_RESPONSE")


async def test_all_permutations_of_a_payments_webhooks_with_duplicates_end_in_one_state(
    tmp_path: Path,
) -> None:
    ends = set()
    for number, order in enumerate(itertools.permutations(range(5))):
        story = Story(tmp_path / str(number))
        notices = await story.begin()
        told = [notices[n] for n in order]
        await story.tell([*itertools.chain.from_iterable((one, one) for one in told), *reversed(told)])
        ends.add(story.end())
        story.shop.leases.close()
    assert len(ends) == 1
    assert ends.pop()[:6] == EXPECTED


@settings(max_examples=60)
@given(order=st.permutations([*range(5)] * 3))
def test_any_shuffle_of_repeated_webhooks_ends_in_that_state(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    async def tell() -> None:
        story = Story(tmp_path_factory.mktemp("story"))
        notices = await story.begin()
        await story.tell(notices[n] for n in order)
        assert story.end()[:6] == EXPECTED
        story.shop.leases.close()

    asyncio.run(tell())
