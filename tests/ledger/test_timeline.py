"""Up to where the ledger's entries are all older than a time, though their times may run back."""

import random

from payrail.ledger.timeline import Timeline


def _at(minute: int) -> str:
    return f"2025-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00.000Z"


def test_no_entry_up_to_there_is_of_that_time_or_later() -> None:
    """Every tenth entry is up to two days late, and once the clock is set back by a day."""
    chance = random.Random(7)
    times = [n if n < 5_000 else n - 1_440 for n in range(10_000)]
    times = [max(0, time - chance.randrange(2_880)) if n % 10 == 0 else time for n, time in enumerate(times)]
    timeline = Timeline()
    for seq, time in enumerate(times, start=1):
        timeline.add(seq, _at(time))
    assert timeline.newest_at == _at(max(times))
    for wanted in range(0, max(times) + 2, 37):
        place = timeline.all_older(_at(wanted))
        assert all(time < wanted for time in times[:place])
        first = next((seq for seq, time in enumerate(times, start=1) if time >= wanted), len(times) + 1)
        assert first - 1 - place < 256, "no more than that is looked at for nothing"


def test_of_an_empty_ledger_nothing_is_known() -> None:
    assert (Timeline().newest_at, Timeline().all_older(_at(0))) == (None, 0)
