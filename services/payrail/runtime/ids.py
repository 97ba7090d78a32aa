"""Prefixed ids that sort by time: 26 digits of Crockford's base 32, as a ULID has them.

The first ten are the milliseconds since 1970. The other sixteen are 64 random bits, written with the alphabet's sixteen
last letters only: no run of digits in an id can then pass for a card number.
"""

import random
import threading

from payrail.runtime.clock import Clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 64
STEP_BITS = 32

_LETTER_OF_HEX = str.maketrans("0123456789abcdef", ALPHABET[16:])
_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]


class IdSource:
    """Makes ids such as ``pay_01JD…``. Those of one source sort in the order they were made, whatever the
    clock does.

    Give it a `random.Random` seeded by the system in a service, by a number where the same run must give the same ids.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._last_ms = -1
        self._last_random = 0
        self._time_digits = ""
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """A new id with the prefix, which is given without its underscore."""
        with self._lock:
            now_ms = self._clock.now_ms()
            if now_ms > self._last_ms:
                self._begin(now_ms)
            else:
                self._step()
            return f"{prefix}_{self._time_digits}{f'{self._last_random:016x}'.translate(_LETTER_OF_HEX)}"

    def _begin(self, ms: int) -> None:
        self._last_ms = ms
        self._last_random = self._rng.getrandbits(RANDOM_BITS)
        self._time_digits = time_digits(ms)

    def _step(self) -> None:
        """The same millisecond, or a clock that was set back: a random step on from the last one keeps the order and,
        unlike a step of one, lets nobody guess a neighbour. An overflow goes into the next millisecond."""
        following = self._last_random + 1 + self._rng.getrandbits(STEP_BITS)
        if following >> RANDOM_BITS:
            self._begin(self._last_ms + 1)
        else:
            self._last_random = following


def time_digits(ms: int) -> str:
    """48 bits of milliseconds as ten digits, most significant first."""
    return "".join(_PAIRS[ms >> shift & 0x3FF] for shift in range(40, -1, -10))
