"""What the fixture `payrail` offers to a test."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stack_user import Shop

from payrail.provider_sim.magic_cards import MAGIC_CARDS
from payrail.runtime.contract_app import ContractApp
from payrail.runtime.settings import SettingsRefused
from payrail.testing import Cards, DataNotSound, PayRailStack, running_payrail
from payrail.testing.cards import Named
from payrail.testing.inbox import listening_inbox
from payrail_sdk import Conflict, MakerCheckerViolation, NotFound, PayRail, PermissionDenied
from waiting import LIMIT_S


def test_payment_runs_from_creation_to_capture(payrail: PayRailStack, shop: Shop) -> None:
    payment = shop.authorized()
    captured = payrail.client.payments.capture(payment.id)
    assert (captured.state, captured.amount_captured) == ("CAPTURED", 4999)


async def test_asynchronous_test_uses_the_same_stack(payrail: PayRailStack, shop: Shop) -> None:
    payment = shop.authorized()
    async with payrail.async_client() as client, payrail.async_client("viewer") as viewer:
        await client.payments.capture(payment.id)
        assert (await viewer.payments.get(payment.id)).state == "CAPTURED"


def test_program_under_test_needs_address_and_key_only(payrail: PayRailStack) -> None:
    with PayRail(payrail.merchant_key, payrail.base_url) as client:
        assert client.health().status == "ok"


def test_roles_and_users_are_taken_by_name(payrail: PayRailStack, shop: Shop) -> None:
    payment = payrail.client.payments.capture(shop.authorized().id)
    ana, ben = payrail.as_("approver", user="ana"), payrail.as_("approver", user="ben")
    refund = ana.refunds.request(payment_id=payment.id, amount=1000, reason="requested_by_customer")
    with pytest.raises(MakerCheckerViolation):
        ana.refunds.approve(refund.id)
    assert ben.refunds.approve(refund.id).state == "SUCCEEDED"
    with pytest.raises(PermissionDenied):
        payrail.as_("viewer").payments.capture(payment.id)


def test_other_merchant_sees_nothing(payrail: PayRailStack, shop: Shop) -> None:
    payment = shop.authorized()
    acme = payrail.as_("operator", merchant="m_acme")
    with pytest.raises(NotFound):
        acme.payments.get(payment.id)
    assert list(acme.payments.list()) == []


def test_ledger_is_read_in_order(payrail: PayRailStack, shop: Shop) -> None:
    types = [entry.type_ for entry in payrail.ledger(shop.authorized().id)]
    assert types == ["payment.created", "payment.authorization_started", "payment.authorized"]


def test_every_card_with_a_fixed_fate_has_a_name() -> None:
    named = [card.number for card in vars(Cards).values() if isinstance(card, Named)]
    assert sorted(named) == sorted(MAGIC_CARDS)


def test_card_of_any_number_meets_the_fate_that_the_seed_draws(payrail: PayRailStack, shop: Shop) -> None:
    card = payrail.cards.of("4111111111111111")
    assert shop.authorized(card, merchant_reference="order-1").state in ("AUTHORIZED", "DECLINED")


# ---- the clock ----------------------------------------------------------------------------------------------------


def test_authorization_expires_when_the_clock_is_moved_by_seven_days(
    payrail: PayRailStack, shop: Shop
) -> None:
    payment = shop.authorized()
    payrail.clock.advance(days=6, hours=23)
    assert shop.state(payment) == "AUTHORIZED"
    payrail.clock.advance(hours=1)
    assert shop.state(payment) == "EXPIRED"


def test_dispute_is_lost_when_its_deadline_has_passed(payrail: PayRailStack, shop: Shop) -> None:
    payment = payrail.client.payments.capture(shop.authorized().id)
    dispute = payrail.client.disputes.open(payment_id=payment.id, reason="fraudulent")
    payrail.clock.advance(days=60)
    assert payrail.client.disputes.get(dispute.id).state == "LOST"


def test_refund_that_is_pending_succeeds_as_time_goes_on(payrail: PayRailStack, shop: Shop) -> None:
    payment = payrail.client.payments.capture(shop.authorized(payrail.cards.refund_pending).id)
    refund = payrail.client.refunds.request(payment_id=payment.id, reason="duplicate")
    payrail.as_("approver").refunds.approve(refund.id)
    assert payrail.client.refunds.get(refund.id).state == "PROCESSING"
    payrail.clock.advance(minutes=2)
    assert payrail.client.refunds.get(refund.id).state == "SUCCEEDED"


def test_clock_goes_where_it_is_put_before_the_first_payment(payrail: PayRailStack, shop: Shop) -> None:
    new_year = datetime(2031, 1, 1, tzinfo=UTC)
    assert payrail.clock.set(new_year) >= new_year
    assert new_year <= payrail.clock.now() < new_year + timedelta(days=1)
    assert shop.authorized().created_at.year == 2031
    with pytest.raises(Conflict):
        payrail.clock.set(new_year - timedelta(days=1))


# ---- failures -----------------------------------------------------------------------------------------------------


def test_failure_lasts_as_long_as_its_block(payrail: PayRailStack, shop: Shop) -> None:
    with payrail.providers.a.fail("error", operation="authorize"):
        assert shop.authorized().provider == "providerB"
    assert shop.authorized().provider == "providerA"


def test_end_of_an_inner_failure_leaves_the_outer_ones_in_force(payrail: PayRailStack) -> None:
    a = payrail.providers.a
    a.fail("latency", latency_ms=1)
    with a.fail("error", operation="authorize", remaining=3) as outer:
        with a.fail("decline", last4="4242"):
            assert [rule.mode for rule in a.failures()] == ["latency", "error", "decline"]
        assert [rule.mode for rule in a.failures()] == ["latency", "error"]
        assert outer.rule.remaining == 3
    assert [rule.mode for rule in a.failures()] == ["latency"]
    payrail.providers.clear()
    assert list(a.failures()) == []


def test_failure_that_was_cleared_in_its_block_ends_quietly(payrail: PayRailStack) -> None:
    with payrail.providers.b.fail("error"):
        payrail.providers.clear()
        payrail.providers.b.fail("decline")
    assert [rule.mode for rule in payrail.providers.b.failures()] == ["decline"]


def test_failure_hits_as_many_calls_as_it_says(payrail: PayRailStack, shop: Shop) -> None:
    payrail.providers.a.fail("decline", operation="authorize", remaining=1, decline_code="insufficient_funds")
    declined, approved = shop.authorized(), shop.authorized()
    assert declined.state == "DECLINED"
    assert declined.decline is not None
    assert declined.decline.code == "insufficient_funds"
    assert approved.state == "AUTHORIZED"


def test_lost_response_is_cleared_up_by_inquiry(payrail: PayRailStack, shop: Shop) -> None:
    payrail.providers.a.fail("lost_response", operation="authorize", remaining=1)
    payment = shop.authorized()
    assert (payment.state, payment.provider) == ("AUTHORIZED", "providerA")
    assert [attempt.outcome for attempt in payment.attempts] == ["approved"]


@pytest.mark.payrail(provider_timeout_s=600)
def test_no_provider_is_waited_for_until_a_time_out(payrail: PayRailStack, shop: Shop) -> None:
    """Else the client, which waits for a minute, would give the first payment up."""
    for operation in ("authorize", "inquiry", "reverse"):
        payrail.providers.a.fail("timeout", operation=operation)
    states = {shop.authorized().state for _ in range(4)}
    assert states == {"UNKNOWN"}


@pytest.mark.payrail(resolver_interval_s=3600)
def test_late_webhook_brings_the_outcome_when_the_clock_moves(payrail: PayRailStack, shop: Shop) -> None:
    """No resolver looks by itself: at the end of one failure the provider forgets all, and is told the others anew. An
    inquiry in between would bring the outcome."""
    a = payrail.providers.a
    a.fail("error", operation="inquiry")
    with a.hold_webhooks(), a.fail("lost_response", operation="authorize"):
        payment = shop.authorized()
        assert payment.state == "UNKNOWN"
    payrail.clock.advance(minutes=1)
    assert shop.state(payment) == "AUTHORIZED"
    assert payrail.ledger(payment.id)[-1].actor.id == "providerA"


# ---- hermetic -----------------------------------------------------------------------------------------------------


def put_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name a proxy that nobody runs, with no exception for this machine."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")


def test_neither_environment_nor_env_file_has_a_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("MERCHANT_API_KEY=sk_of_the_users_own_service\nGATEWAY_PORT=nonsense\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYRAIL_ENV", "production")
    monkeypatch.setenv("GATEWAY_URL", "https://payments.example.com")
    put_behind_a_proxy(monkeypatch)
    with running_payrail(tmp_path / "data") as stack:
        assert stack.client.health().status == "ok"
        assert list(stack.client.payments.list()) == []


async def test_asynchronous_client_goes_past_every_proxy_and_closes_what_it_opened(
    payrail: PayRailStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_behind_a_proxy(monkeypatch)
    for role in (None, "viewer"):
        async with payrail.async_client(role) as client:
            assert (await client.health()).status == "ok"
        with pytest.raises(RuntimeError, match="closed"):
            await client.health()


@pytest.mark.payrail(breaker_failure_threshold=1)
def test_warnings_of_the_stack_are_in_its_log_and_in_the_tests(
    payrail: PayRailStack, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    payrail.providers.a.fail("error", operation="authorize")
    shop.authorized()
    payrail.account()  # Writes what waits.
    for told in (caplog.text, (payrail.data_dir / "logs" / "payrail.log").read_text()):
        assert "breaker providerA_state: CLOSED to OPEN" in told


def test_account_holds_the_latest_answer_though_its_line_comes_after_it(
    payrail: PayRailStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, log_request = threading.Event(), ContractApp._log_request

    def log_request_late(*answered: Any) -> None:
        assert go_on.wait(LIMIT_S)
        log_request(*answered)

    monkeypatch.setattr(ContractApp, "_log_request", log_request_late)
    payrail.client.health(correlation_id="the-latest")
    with ThreadPoolExecutor(1) as beside:
        account = beside.submit(payrail.account)
        wait([account], timeout=0.2)  # One that does not wait for the line has ended by now.
        go_on.set()
        assert "(the-latest)" in account.result(LIMIT_S)


def test_two_stacks_at_once_know_nothing_of_each_other(payrail: PayRailStack, tmp_path: Path) -> None:
    with running_payrail(tmp_path / "other") as other:
        payment = Shop(other).authorized()
        with pytest.raises(NotFound):
            payrail.client.payments.get(payment.id)
        other.clock.advance(days=3)
        assert other.clock.now() - payrail.clock.now() > timedelta(days=2)


def test_stack_takes_up_what_an_earlier_one_left(tmp_path: Path) -> None:
    with running_payrail(tmp_path / "data") as stack:
        payment = Shop(stack).authorized()
    with running_payrail(tmp_path / "data") as stack:
        assert stack.client.payments.get(payment.id).state == "AUTHORIZED"


def test_same_seed_gives_the_same_fates_and_another_one_others(tmp_path: Path) -> None:
    def fates(name: str, seed: int) -> list[str]:
        with running_payrail(tmp_path / name, seed=seed) as stack:
            return Shop(stack).fates()

    first = fates("first", 7)
    assert fates("again", 7) == first
    assert fates("other", 8) != first


def test_data_directory_may_be_text(tmp_path: Path) -> None:
    """As the standard library names a temporary folder."""
    with running_payrail(f"{tmp_path}/data") as stack:
        assert stack.client.health().status == "ok"
    assert stack.data_dir == tmp_path / "data"


def test_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsRefused, match="provider_timeout"),
        running_payrail(tmp_path, provider_timeout=1),
    ):
        pass


# ---- the proof ----------------------------------------------------------------------------------------------------


def test_changed_ledger_does_not_verify(tmp_path: Path) -> None:
    with running_payrail(tmp_path / "data", verify=False) as stack:
        Shop(stack).authorized()
        stack.verify()
    book = tmp_path / "data" / "ledger" / "payments.jsonl"
    entries = [json.loads(line) for line in book.read_text().splitlines()]
    entries[0]["data"]["amount"] += 1
    book.write_text("".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries))
    with pytest.raises(DataNotSound) as caught:
        stack.verify()
    assert "ledger/payments.jsonl line 1" in str(caught.value)
    assert caught.value.findings[0].line == 1


# ---- the webhooks to the merchant -----------------------------------------------------------------------------------


def test_merchants_webhooks_come_signed_and_in_order(payrail: PayRailStack, shop: Shop) -> None:
    payment = payrail.client.payments.capture(shop.authorized().id, correlation_id="of-this-test")
    event = payrail.inbox.wait_for("payment.captured", where=lambda event: event.data["id"] == payment.id)
    assert event.about == payment
    assert payrail.inbox.deliveries[-1].headers["x-correlation-id"] == "of-this-test"
    types = [event.type for event in payrail.inbox.events]
    assert types == ["payment.created", "payment.authorized", "payment.captured"]
    assert payrail.inbox.refused == []


def test_webhook_that_the_merchant_refused_comes_again_when_the_clock_moves(
    payrail: PayRailStack, shop: Shop
) -> None:
    with payrail.inbox.answer(500):
        shop.authorized()
        payrail.inbox.wait_for("payment.created", accepted=False)
    payrail.clock.advance(minutes=10)
    payrail.inbox.wait_for("payment.authorized")
    first, *again = [one for one in payrail.inbox.deliveries if one.event.type == "payment.created"]
    assert first.status == 500
    assert again[-1].status == 200
    assert {one.id for one in again} == {first.id}


def test_event_of_the_clock_comes_by_webhook(payrail: PayRailStack, shop: Shop) -> None:
    payment = shop.authorized()
    payrail.clock.advance(days=7)
    assert payrail.inbox.wait_for("payment.expired").data["id"] == payment.id


def test_captured_money_is_settled_when_the_clock_leaves_its_day(payrail: PayRailStack, shop: Shop) -> None:
    payrail.client.payments.capture(shop.authorized().id)
    payrail.clock.advance(days=2)
    payrail.inbox.wait_for("settlement.created")
    pending = [one.amount for one in payrail.client.balances().data if "merchant_pending" in one.account]
    assert pending == [0]


def test_merchant_that_never_answers_does_not_hold_up_the_end(payrail: PayRailStack, shop: Shop) -> None:
    payrail.inbox.hang()
    shop.authorized()
    payrail.inbox.wait_for("payment.created", accepted=False)


def test_receiver_of_the_merchants_own_takes_the_place_of_the_inbox(tmp_path: Path) -> None:
    with (
        listening_inbox() as receiver,
        running_payrail(tmp_path / "data", merchant_webhook_url=receiver.url) as stack,
    ):
        receiver.secrets.append(stack.webhook_secret)
        Shop(stack).authorized()
        receiver.wait_for("payment.authorized")
        assert stack.inbox.deliveries == []


@pytest.mark.payrail(merchant_webhook_url="")
def test_merchant_may_register_the_inbox_as_an_endpoint_of_its_own(payrail: PayRailStack, shop: Shop) -> None:
    endpoint = payrail.as_("admin").webhook_endpoints.create(
        url=payrail.inbox.url, event_types=["payment.captured"]
    )
    payrail.inbox.secrets.append(endpoint.secret)
    payrail.client.payments.capture(shop.authorized().id)
    payrail.inbox.wait_for("payment.captured")
    assert len(payrail.inbox.events) == 1
