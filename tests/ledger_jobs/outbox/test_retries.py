"""When a webhook is sent again: growing pauses with jitter, and never before the receiver wants it."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from payrail.ledger_jobs.outbox.retries import pause_s, retry_after_s

NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("tries", "middle"), [(1, 5), (2, 25), (3, 125)])
def test_pauses_grow_and_differ_by_a_fifth(tries: int, middle: float) -> None:
    pauses = {pause_s(tries, random.Random(seed), None) for seed in range(200)}
    assert len(pauses) > 100
    assert 0.8 * middle <= min(pauses) < 0.85 * middle
    assert 1.15 * middle < max(pauses) <= 1.2 * middle


def test_no_pause_is_shorter_than_the_receiver_asks_for() -> None:
    assert pause_s(1, random.Random(1), 60) == 60
    assert pause_s(3, random.Random(1), 60) > 60


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "120", 120),
        (503, " 0 ", 0),
        (503, format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (429, format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        (429, "999999999999999999999", 86_400),
        (500, "120", None),
        (429, "", None),
        (429, "soon", None),
        (429, "-5", None),
        (429, "1.5", None),
        (429, "٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_those_who_ask_for_time(
    status: int, asked: str, seconds: float | None
) -> None:
    assert retry_after_s(status, {"retry-after": asked}, NOW) == seconds
