"""The file of events: any place is found without reading all of it, and a torn line is written again."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.ledger.events import Event, seq_of
from payrail.ledger_jobs.outbox.events_file import EventsFile

_LETTERS = "GHJKMNPQRSTVWXYZ"


def event(seq: int, merchant_id: str = "m_demo", size: int = 1) -> Event:
    letters = "".join(_LETTERS[int(digit, 16)] for digit in f"{seq:016x}")
    return Event(
        f"evt_01JGFJJZ00{letters}", "payment.created", "2025", merchant_id, "cor-1", {"a": "x" * size}
    )


async def written(directory: Path, events: list[Event]) -> EventsFile:
    file = EventsFile(directory)
    await file.append(events)
    return file


@settings(max_examples=40)
@given(seqs=st.sets(st.integers(1, 500), min_size=1), sizes=st.data())
async def test_the_place_after_any_entry_is_found(
    tmp_path_factory: pytest.TempPathFactory, seqs: set[int], sizes: Any
) -> None:
    directory = tmp_path_factory.mktemp("events")
    events = [event(seq, size=sizes.draw(st.integers(1, 3_000))) for seq in sorted(seqs)]
    file = await written(directory, events)
    for wanted in (0, *(seq for seq in range(1, 501, 7)), *seqs):
        queued, _ = file.read(file.offset_after(wanted), "m_demo")
        later = [one.id for one in events if seq_of(one.id) > wanted]
        assert [one.id for one in queued] == later[: len(queued)]
        assert bool(queued) is bool(later)
    for one in events:
        found = file.find(one.id)
        assert found is not None
        assert found.id == one.id
    assert file.last_seq == max(seqs)
    file.close()
    again = EventsFile(directory)
    assert again.last_seq == max(seqs)
    again.close()


async def test_an_event_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    file = await written(tmp_path, [event(3), event(5)])
    for unknown in (event(4).id, event(6).id, event(3).id.replace("evt_01", "evt_02"), "evt_", "nonsense"):
        assert file.find(unknown) is None
    file.close()


async def test_a_merchants_events_are_read_past_those_of_others_and_past_long_lines(tmp_path: Path) -> None:
    events = [event(seq, "m_acme" if seq % 10 else "m_demo", size=60_000) for seq in range(1, 41)]
    file = await written(tmp_path, events)
    found: list[int] = []
    offset = 0
    while True:
        queued, offset = file.read(offset, "m_demo")
        if not queued:
            break
        found += [one.seq for one in queued]
    assert found == [10, 20, 30, 40]
    assert offset == file.end_offset
    file.close()


async def test_a_line_that_a_crash_tore_is_as_if_it_was_never_written(tmp_path: Path) -> None:
    file = await written(tmp_path, [event(1), event(2)])
    file.close()
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    file = EventsFile(tmp_path)
    assert file.last_seq == 1
    await file.append([event(2)])
    assert file.find(event(2).id) is not None
    file.close()
