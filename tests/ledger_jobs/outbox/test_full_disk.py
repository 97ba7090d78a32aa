"""A disk that is full for a while: the outbox writes nothing meanwhile, and leaves nothing out after it."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

from payrail.ledger.events import seq_of
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher, OutboxTerms
from payrail.runtime import faults
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import JournalOpener
from stand_ins.payments import created, pay

TERMS = OutboxTerms(
    interval_s=60, timeout_s=1, public_only=False, seed=1, settings_merchant="", settings_url="", settings_secret=""
)  # fmt: skip


@pytest.mark.parametrize("point", ["before_append", "half_written"])
async def test_events_that_a_full_disk_refused_are_written_before_later_ones(
    tmp_path: Path, point: str
) -> None:
    clock = FrozenClock()
    journals = JournalOpener(tmp_path, clock)
    journal = await journals.open()
    dispatcher = Dispatcher(tmp_path, journal, clock, IdSource(clock, random.Random(1)).new, TERMS)

    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with dispatcher.opened():
        await journal.append("payments", created(pay(1)))
        await dispatcher.derive()
        with faults.armed(f"outbox.events.{point}", refuse):
            for number in (2, 3):
                await journal.append("payments", created(pay(number)))
                with pytest.raises(LogUnavailable):
                    await dispatcher.derive()
        await journal.append("payments", created(pay(4)))
        assert await dispatcher.derive() == 3
    await journals.close()
    lines = (tmp_path / "outbox" / "events.jsonl").read_text().splitlines()
    assert [seq_of(json.loads(line)["id"]) for line in lines] == [1, 2, 3, 4]
