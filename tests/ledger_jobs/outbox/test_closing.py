"""The end of the outbox: lanes end one after the other, and those that are not ended yet may still send."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from payrail.ledger_jobs.outbox.dispatcher import Dispatcher, EndpointLanes, OutboxTerms
from payrail.ledger_jobs.outbox.endpoints import Endpoint
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import JournalOpener
from stand_ins.payments import AT, MERCHANT, created, pay

NOBODY = "http://127.0.0.1:9/"
TERMS = OutboxTerms(
    interval_s=60, timeout_s=1, public_only=False, seed=1, settings_merchant="", settings_url="", settings_secret=""
)  # fmt: skip


async def test_a_lane_sends_in_order_until_it_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, end = FrozenClock(), EndpointLanes.stop
    journals = JournalOpener(tmp_path, clock)
    journal = await journals.open()
    dispatcher = Dispatcher(tmp_path, journal, clock, IdSource(clock, random.Random(1)).new, TERMS)
    ended: list[EndpointLanes] = []

    async def end_after_the_others_sent(lanes: EndpointLanes) -> None:
        clock.advance(timedelta(hours=1))
        for other in [one for one in both if one not in ended]:
            other.poke()
            await other.lanes[0].quiet()
        ended.append(lanes)
        await end(lanes)

    async with dispatcher.opened():
        for number in (1, 2):
            await dispatcher.add(Endpoint(f"whe_{number}", MERCHANT, NOBODY, AT, 0))
        both = list(dispatcher.lanes().values())
        await journal.append("payments", created(pay(1)))
        await dispatcher.derive()
        monkeypatch.setattr(EndpointLanes, "stop", end_after_the_others_sent)
    assert ended == both
    assert "cannot go on" not in caplog.text
    await journals.close()
