"""When a webhook that was not taken is sent again, and when it is given up."""

import random
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

RETRIES_MAX = 3
TRIES_MAX = 1 + RETRIES_MAX
PAUSE_S_FIRST = 5.0
PAUSE_FACTOR = 5.0
JITTER = 0.2
RETRY_AFTER_S_MAX = 24 * 3600.0
#: The statuses whose `Retry-After` is a wish to be left alone for so long (RFC 9110, 10.2.3; RFC 6585, 4).
_ASK_FOR_TIME = (429, 503)


def pause_s(tries: int, rng: random.Random, retry_after_s: float | None) -> float:
    """How long to wait after so many tries: 5, 25 and 125 seconds, each up to a fifth more or less, and never less
    than the receiver asked for."""
    pause = PAUSE_S_FIRST * PAUSE_FACTOR ** (tries - 1) * rng.uniform(1 - JITTER, 1 + JITTER)
    return max(pause, retry_after_s or 0.0)


def retry_after_s(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """What a receiver asks for, in seconds from `now`, its wall time: a number or an HTTP date. None if it asks for
    nothing that can be understood; a day at most."""
    asked = headers.get("retry-after", "").strip()
    if status not in _ASK_FOR_TIME or not asked:
        return None
    if asked.isascii() and asked.isdecimal():
        return min(float(asked[:9]), RETRY_AFTER_S_MAX)
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), RETRY_AFTER_S_MAX)
