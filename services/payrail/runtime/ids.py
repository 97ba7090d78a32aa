"""Prefixed ids that sort by time: a ULID (48 bits of milliseconds, 80 random bits) in Crockford's base 32."""

import random
import threading

from payrail.runtime.clock import Clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80
STEP_BITS = 40

_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]


class IdSource:
    """Makes ids such as ``pay_01JD…``. Those of one source sort in the order they were made, whatever the
    clock does.

    Give it `random.SystemRandom` in a service, a seeded `random.Random` where the same run must give the
    same ids.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._last = -1
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """A new id with the prefix, which is given without its underscore."""
        with self._lock:
            self._last = self._next_value()
            return f"{prefix}_{encode_ulid(self._last)}"

    def _next_value(self) -> int:
        now_ms = self._clock.now_ms()
        if now_ms > self._last >> RANDOM_BITS:
            return now_ms << RANDOM_BITS | self._rng.getrandbits(RANDOM_BITS)
        # The same millisecond, or a clock that was set back: a random step on from the last one keeps the
        # order and, unlike a step of one, lets nobody guess a neighbour. An overflow simply carries into
        # the next millisecond.
        return self._last + 1 + self._rng.getrandbits(STEP_BITS)


def encode_ulid(value: int) -> str:
    """128 bits as 26 digits, most significant first. Spelled out: ids are made several times in every request."""
    pairs = _PAIRS
    return (
        f"{pairs[value >> 120]}{pairs[value >> 110 & 1023]}{pairs[value >> 100 & 1023]}"
        f"{pairs[value >> 90 & 1023]}{pairs[value >> 80 & 1023]}{pairs[value >> 70 & 1023]}"
        f"{pairs[value >> 60 & 1023]}{pairs[value >> 50 & 1023]}{pairs[value >> 40 & 1023]}"
        f"{pairs[value >> 30 & 1023]}{pairs[value >> 20 & 1023]}{pairs[value >> 10 & 1023]}{pairs[value & 1023]}"
    )


def ulid_ms(identifier: str) -> int:
    """The milliseconds since 1970 in an id, with or without prefix."""
    value = 0
    for digit in identifier.rpartition("_")[2][:10]:
        value = value << 5 | ALPHABET.index(digit)
    return value
