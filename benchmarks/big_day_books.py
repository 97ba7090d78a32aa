"""The books of one big day: as many payments as are asked for, each a whole life in lines that PayRail itself writes.

The domain decides a few sample lives; their lines are the patterns, and a pattern is filled in with ids, times and its
place in the chain. So a million payments take seconds, and no line looks other than a real one.
"""

import itertools
import random
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from payrail.gateway.domain import disputes, operations, payments, refunds
from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.outcomes import Approved
from payrail.gateway.domain.routing import Cost, Router, RoutingRules
from payrail.ledger.entry import BOOKS, GENESIS, Actor, Book, Claim, Draft, seal
from payrail.ledger.payment_events import PaymentCreated, PaymentMethod
from payrail.ledger.state import LedgerState

DATE = "2026-01-01"
MERCHANTS = ("m_acme", "m_demo")
_AT = f"{DATE}T00:00:00.000Z"
_SEQ, _PREV, _ENTRY = 900_000_000_000_000, "f" * 63 + "e", "le_" + "7" * 26
_PAYMENT, _RETURN, _ATTEMPT, _KEY = "pay_" + "7" * 26, "ref_" + "7" * 26, "att_" + "7" * 25, "bench-key"
_DISPUTE = "dsp_" + "7" * 26
_WORDS = (_PREV, _ENTRY, _AT, _PAYMENT, _RETURN, _DISPUTE, _ATTEMPT, _KEY)
_MARKS = [b'"seq":%d' % _SEQ, *(word.encode() for word in _WORDS)]
_HASH = b',"hash":"'
_WRITE_BYTES = 4 << 20
_DAY_S = 86_400
_REFUND_EVERY, _DISPUTE_EVERY = 100, 1_000
_SAMPLES = 48
_MONEY = (("USD", 1_000, 50_000), ("USD", 200, 9_000), ("JPY", 300, 80_000), ("KWD", 500, 90_000))


class Pattern(Struct, frozen=True):
    """A line up to its hash. `pieces` has a place for each mark, `order` says for which."""

    book: Book
    pieces: bytes
    order: tuple[int, ...]


def write_big_day(directory: Path, payments_count: int, *, seed: int = 42) -> int:
    """Write the three books of a ledger with so many captured payments; the number of their lines.

    One of 100 is refunded, one of 1,000 disputed. The same seed makes the same bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - a benchmark's data
    lives = {ending: [_sample(chance, ending) for _ in range(_SAMPLES)] for ending in _ENDINGS}
    seq, prev = 0, GENESIS.encode()
    files = {book: (directory / f"{book}.jsonl").open("wb", buffering=_WRITE_BYTES) for book in BOOKS}
    try:
        for number in range(payments_count):
            life = lives[_ending(number)][number % _SAMPLES]
            marks = _marks(number, payments_count)
            for pattern in life:
                seq += 1
                marks[0], marks[1], marks[2] = b'"seq":%d' % seq, prev, b"le_01KD%022d" % seq
                unsealed = pattern.pieces % tuple([marks[place] for place in pattern.order])
                prev = sha256(unsealed).hexdigest().encode()
                files[pattern.book].write(b'%b%b%b"}\n' % (unsealed, _HASH, prev))
    finally:
        for file in files.values():
            file.close()
    return seq


def _ending(number: int) -> str:
    if number % _DISPUTE_EVERY == _DISPUTE_EVERY // 2:
        return "disputed"
    return "refunded" if number % _REFUND_EVERY == _REFUND_EVERY // 4 else "captured"


def _marks(number: int, count: int) -> list[bytes]:
    """What takes the marks' places for one payment; the day is spread over all of them."""
    ms = number * _DAY_S * 1_000 // count
    minutes, seconds = divmod(ms // 1_000, 60)
    at = b"%b.%03dZ" % (f"{DATE}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}".encode(), ms % 1_000)
    return [
        b"", b"", b"", at, b"pay_01KD%022d" % number, b"ref_01KD%022d" % number, b"dsp_01KD%022d" % number,
        b"att_01KD%021d" % number, b"bench-%d" % number,
    ]  # fmt: skip


# ---- sample lives -------------------------------------------------------------------------------------------------


class _Sample:
    """Runs decisions one after the other and keeps the lines they make as patterns."""

    def __init__(self, merchant_id: str) -> None:
        self.state = LedgerState()
        self.patterns: list[Pattern] = []
        self.origin = Origin(Actor("key_demo", "operator"), _KEY, _AT)
        self._merchant_id = merchant_id
        self._numbers = itertools.count(1)

    def do(self, decide: Callable[[LedgerState], Any]) -> None:
        draft = decide(self.state)
        assert isinstance(draft, Draft), draft
        entry, line = seal(draft, seq=_SEQ, entry_id=_ENTRY, prev=_PREV)
        self.state.stage(entry)
        self.state.publish()
        self.patterns.append(_pattern(draft.book, line))

    def claim(self, operation: str) -> Claim:
        digest = sha256(operation.encode()).hexdigest()
        return Claim(self._merchant_id, operation, f"{_KEY}-{next(self._numbers)}", digest)

    def reserved(self) -> Reserved:
        return Reserved(f"{_ATTEMPT}{next(self._numbers)}", "gateway-1")

    def open_attempt(self, entity: str) -> str:
        pending = self.state.subject(entity).pending
        assert pending is not None
        return pending.attempt.id


def _sample(chance: random.Random, ending: str) -> tuple[Pattern, ...]:
    currency, least, most = chance.choice(_MONEY)
    amount, provider = chance.randint(least, most), chance.choice(("providerA", "providerB"))
    sample = _Sample(chance.choice(MERCHANTS))
    _capture(sample, sample.claim("POST /payments").merchant_id, currency, amount, provider)
    _ENDINGS[ending](sample, amount // 2)
    return tuple(sample.patterns)


def _capture(sample: _Sample, merchant_id: str, currency: str, amount: int, provider: str) -> None:
    method = PaymentMethod(f"tok_{'6' * 26}", "visa", "424242", "4242", 12, 2039, f"fp_{'a' * 32}")
    terms = PaymentCreated(
        merchant_id, amount, currency, "manual", "US", method, merchant_reference=f"order {_KEY}",
        description="A basket of goods, as customers buy them", metadata={"basket": _KEY, "channel": "web"},
    )  # fmt: skip
    origin, other = sample.origin, "providerB" if provider == "providerA" else "providerA"
    router = Router(RoutingRules({provider: Cost(290, 30), other: Cost(310, 30)}), {})
    sample.do(payments.create_payment(_PAYMENT, terms, sample.claim("POST /payments"), origin))
    claim = sample.claim(f"POST /payments/{_PAYMENT}/authorize")
    sample.do(payments.begin_authorization(_PAYMENT, claim, sample.reserved(), origin, router=router))
    attempt = sample.open_attempt(_PAYMENT)
    held, expiry = Approved(f"pi_{_KEY}", latency_ms=12), "2026-01-08T00:00:00.000Z"
    sample.do(
        payments.record_authorization(_PAYMENT, attempt, held, None, origin, expires_at=expiry, go_on=False)
    )
    claim = sample.claim(f"POST /payments/{_PAYMENT}/capture")
    sample.do(operations.begin_capture(_PAYMENT, None, claim, sample.reserved(), origin, final=False))
    captured = Approved(f"ch_{_KEY}", amount * 29 // 1_000 + 30, 12)
    sample.do(operations.record_operation(_PAYMENT, sample.open_attempt(_PAYMENT), captured, origin))


def _refund(sample: _Sample, amount: int) -> None:
    approver = Origin(Actor("anna", "approver"), _KEY, _AT)
    claim = sample.claim("POST /refunds")
    sample.do(refunds.request_refund(_RETURN, _PAYMENT, amount, "returned", claim, sample.origin))
    claim = sample.claim(f"POST /refunds/{_RETURN}/approve")
    sample.do(refunds.approve_refund(_RETURN, claim, sample.reserved(), approver))
    given_back = Approved(f"re_{_KEY}", latency_ms=12)
    sample.do(refunds.record_refund_outcome(_RETURN, sample.open_attempt(_RETURN), given_back, approver))


def _dispute(sample: _Sample, amount: int) -> None:
    claim, reserved = sample.claim("POST /disputes"), sample.reserved()
    sample.do(disputes.open_dispute(_DISPUTE, _PAYMENT, amount, "fraudulent", claim, reserved, sample.origin))
    attempt, opened = sample.open_attempt(_DISPUTE), Approved(f"dp_{_KEY}", 1_500, 12)
    deadline = "2026-01-08T00:00:00.000Z"
    sample.do(disputes.record_dispute_outcome(_DISPUTE, attempt, opened, sample.origin, respond_by=deadline))


_ENDINGS: dict[str, Callable[[_Sample, int], None]] = {
    "captured": lambda _sample, _amount: None,
    "refunded": _refund,
    "disputed": _dispute,
}


def _pattern(book: Book, line: bytes) -> Pattern:
    unsealed = line[: line.rindex(_HASH)].replace(b"%", b"%%")
    places = re.compile(b"|".join(_MARKS))
    order = tuple(_MARKS.index(match) for match in places.findall(unsealed))
    return Pattern(book, places.sub(b"%b", unsealed), order)
