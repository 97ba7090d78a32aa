"""Webhooks that a provider owes: derived from its records, sent until they are taken, hit by failures on demand."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from simulator_client import att
from test_provider import CARD, authorization, follow_up, lines, open_provider

from payrail.provider_sim.failures import Mode, Rule
from payrail.provider_sim.fate import Card
from payrail.provider_sim.magic_cards import LATE_APPROVAL_S, REFUND_SETTLES_S
from payrail.provider_sim.operations import CardOnRecord
from payrail.provider_sim.profiles import Operation
from payrail.provider_sim.provider import Provider
from payrail.provider_sim.webhooks import TRIES_MAX, Message
from payrail.runtime import faults
from payrail.runtime.clock import FrozenClock

LATE = "4000000000800039"
DISPUTED = "4000000000000259"
SUCCEEDS_THEN_FAILS = "4000000000005126"
PENDING_THEN_SUCCEEDS = "4000000000007726"
MINUTE = timedelta(minutes=1)


class Listener:
    """The gateway as the provider meets it: keeps what it is sent, and takes it or not."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.takes = True

    async def send(self, message: Message) -> bool:
        self.got.append(message)
        return self.takes

    def told(self) -> list[tuple[str, str]]:
        """Operation and status of each message since the last look."""
        told = [(m.body["data"]["operation"], m.body["data"]["status"]) for m in self.got]
        self.got.clear()
        return told


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def provider(tmp_path: Path, clock: FrozenClock) -> Iterator[Provider]:
    opened = open_provider(tmp_path, clock)
    yield opened
    opened.close()


async def captured(provider: Provider, number: str = CARD.number) -> None:
    """An authorization and its capture."""
    card = CardOnRecord(number[:6], number[-4:], 12, 2031)
    request = authorization(1)
    await provider.operate(
        type(request)(**{**{f: getattr(request, f) for f in request.__struct_fields__}, "card": card}),
        Card(number, 12, 2031),
    )
    await provider.operate(follow_up(Operation.CAPTURE, 2, 1, 600))


async def test_every_outcome_is_told_once(provider: Provider, listener: Listener) -> None:
    await captured(provider)
    await provider.operate(follow_up(Operation.REFUND, 3, 1, 100))
    assert await provider.send_webhooks(listener.send) == 3
    ids = [message.id for message in listener.got]
    assert len(set(ids)) == 3
    assert listener.got[1].body["data"]["reference"] == att(2)
    assert listener.got[1].body["type"] == "charge.captured"
    assert listener.told() == [("authorize", "approved"), ("capture", "approved"), ("refund", "approved")]
    assert await provider.send_webhooks(listener.send) == 0
    assert provider.outbox.waiting == 0


async def test_what_comes_later_is_told_when_it_is_due(
    provider: Provider, listener: Listener, clock: FrozenClock
) -> None:
    await captured(provider, SUCCEEDS_THEN_FAILS)
    await provider.operate(follow_up(Operation.REFUND, 3, 1, 100))
    await provider.send_webhooks(listener.send)
    assert listener.told()[-1] == ("refund", "approved")
    clock.advance(timedelta(seconds=REFUND_SETTLES_S))
    await provider.send_webhooks(listener.send)
    assert listener.told() == [("refund", "failed")]


async def test_a_refund_that_is_pending_is_told_twice(
    provider: Provider, listener: Listener, clock: FrozenClock
) -> None:
    await captured(provider, PENDING_THEN_SUCCEEDS)
    await provider.operate(follow_up(Operation.REFUND, 3, 1, 100))
    clock.advance(MINUTE)
    await provider.send_webhooks(listener.send)
    assert listener.told()[-2:] == [("refund", "pending"), ("refund", "approved")]


async def test_a_late_approval_is_told_when_it_comes_unless_it_was_reversed(
    tmp_path: Path, listener: Listener, clock: FrozenClock
) -> None:
    for directory, reversed_before in ((tmp_path / "a", False), (tmp_path / "b", True)):
        provider = open_provider(directory, clock)
        provider._silence.end()
        with pytest.raises(Exception, match="did not answer"):
            await captured(provider, LATE)
        if reversed_before:
            await provider.operate(follow_up(Operation.REVERSE, 4, 1))
        await provider.send_webhooks(listener.send)
        assert ("authorize", "approved") not in listener.told()
        clock.advance(timedelta(seconds=LATE_APPROVAL_S))
        await provider.send_webhooks(listener.send)
        assert (("authorize", "approved") in listener.told()) is not reversed_before
        provider.close()


async def test_a_dispute_of_the_holder_is_told_with_its_reason(
    provider: Provider, listener: Listener
) -> None:
    await captured(provider, DISPUTED)
    await provider.send_webhooks(listener.send)
    opened = listener.got[-1].body
    assert (opened["data"]["operation"], opened["data"]["original_reference"]) == ("dispute", att(1))
    assert opened["reason"] == "fraudulent"


async def test_what_is_not_taken_is_sent_again_at_growing_intervals_under_one_id(
    provider: Provider, listener: Listener, clock: FrozenClock
) -> None:
    await provider.operate(authorization(1), CARD)
    listener.takes = False
    sent_at: list[float] = []
    for _ in range(200):
        if await provider.send_webhooks(listener.send) or listener.got:
            sent_at.append(clock.monotonic())
            ids = {message.id for message in listener.got}
            listener.got.clear()
            assert len(ids) == 1
        clock.advance(timedelta(seconds=0.25))
    pauses = [after - before for before, after in pairwise(sent_at)]
    assert len(pauses) >= 4
    assert pauses == sorted(pauses)
    listener.takes = True
    clock.advance(10 * MINUTE)
    assert await provider.send_webhooks(listener.send) == 1


async def test_it_is_given_up_in_the_end(provider: Provider, listener: Listener, clock: FrozenClock) -> None:
    await provider.operate(authorization(1), CARD)
    listener.takes = False
    for _ in range(TRIES_MAX + 3):
        await provider.send_webhooks(listener.send)
        clock.advance(10 * MINUTE)
    assert (len(listener.got), provider.outbox.waiting) == (TRIES_MAX, 0)


@pytest.mark.parametrize("taken", [True, False])
async def test_after_a_restart_what_was_owed_is_sent_and_nothing_else(
    tmp_path: Path, listener: Listener, clock: FrozenClock, taken: bool
) -> None:
    provider = open_provider(tmp_path, clock)
    await captured(provider)
    listener.takes = taken
    await provider.send_webhooks(listener.send)
    before = [message.id for message in listener.got]
    listener.got.clear()
    await provider.operate(follow_up(Operation.REFUND, 3, 1, 100))
    provider.close()
    listener.takes = True
    again = open_provider(tmp_path, clock)
    await again.outbox.shorten()
    await again.send_webhooks(listener.send)
    told = [message.id for message in listener.got]
    assert told[: len(before)] == before if not taken else len(told) == 1
    again.close()


async def test_a_crash_after_the_gateway_took_it_sends_it_once_more_under_its_id(
    tmp_path: Path, listener: Listener, clock: FrozenClock
) -> None:
    provider = open_provider(tmp_path, clock)
    await provider.operate(authorization(1), CARD)

    def crash() -> None:
        raise RuntimeError

    with faults.armed("sim.webhook.after_send", crash), pytest.raises(RuntimeError):
        await provider.send_webhooks(listener.send)
    provider.close()
    again = open_provider(tmp_path, clock)
    assert await again.send_webhooks(listener.send) == 1
    assert len({message.id for message in listener.got}) == 1
    assert len(listener.got) == 2
    again.close()


async def test_the_file_stays_short_over_restarts(
    tmp_path: Path, listener: Listener, clock: FrozenClock
) -> None:
    for n in range(5):
        provider = open_provider(tmp_path, clock)
        await provider.outbox.shorten()
        assert len(lines(tmp_path, "providerA_webhooks.jsonl")) <= 1
        for number in range(10):
            await provider.operate(authorization(n * 10 + number + 1), CARD)
        assert await provider.send_webhooks(listener.send) == 10
        provider.close()
    assert len({message.id for message in listener.got}) == 50


async def hit(provider: Provider, mode: Mode, **fields: object) -> None:
    await provider.inject(Rule(id=f"inj_{mode}", mode=mode, **fields))  # type: ignore[arg-type]


async def test_a_dropped_webhook_is_never_sent(provider: Provider, listener: Listener) -> None:
    await hit(provider, Mode.DROPPED_WEBHOOK, operation=Operation.CAPTURE)
    await captured(provider)
    await provider.send_webhooks(listener.send)
    assert listener.told() == [("authorize", "approved")]
    assert provider.outbox.waiting == 0


async def test_a_duplicate_is_sent_twice_as_often_as_it_remains(
    provider: Provider, listener: Listener
) -> None:
    await hit(provider, Mode.DUPLICATE_WEBHOOK, remaining=1)
    await captured(provider)
    await provider.send_webhooks(listener.send)
    told = listener.told()
    assert sorted(told) == [("authorize", "approved"), ("authorize", "approved"), ("capture", "approved")]
    assert provider.failures() == []


async def test_a_reordered_webhook_comes_after_later_ones(provider: Provider, listener: Listener) -> None:
    await hit(provider, Mode.REORDERED_WEBHOOK, operation=Operation.AUTHORIZE)
    await captured(provider)
    await provider.send_webhooks(listener.send)
    assert listener.told() == [("capture", "approved")]
    await provider.send_webhooks(listener.send)
    assert listener.told() == [("authorize", "approved")]


async def test_a_bad_signature_is_one_and_its_repetition_draws_anew(
    provider: Provider, listener: Listener, clock: FrozenClock
) -> None:
    await hit(provider, Mode.BAD_SIGNATURE, remaining=1)
    await provider.operate(authorization(1), CARD)
    listener.takes = False
    await provider.send_webhooks(listener.send)
    clock.advance(MINUTE)
    await provider.send_webhooks(listener.send)
    assert [message.badly_signed for message in listener.got] == [True, False]


async def test_a_webhooks_failure_leaves_the_call_alone(provider: Provider) -> None:
    for mode in (Mode.DROPPED_WEBHOOK, Mode.BAD_SIGNATURE):
        await hit(provider, mode)
    assert (await provider.operate(authorization(1), CARD)).status == "approved"
