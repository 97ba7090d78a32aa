"""What a provider settles on a day: one line per movement of money that it has on record. Pure, as `operations`.

A line stands on the UTC day on which the movement became true at the provider: a capture or a chargeback when it was
recorded, a refund that was pending at first, or that failed later, when its second outcome came.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from payrail.provider_sim.operations import Book, Record
from payrail.provider_sim.profiles import Operation, Outcome, Profile


class Movement(StrEnum):
    """What a line is of."""

    CAPTURE = "capture"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    CHARGEBACK = "chargeback"
    CHARGEBACK_WON = "chargeback_won"


_OPERATIONS = {
    Movement.CAPTURE: Operation.CAPTURE,
    Movement.REFUND: Operation.REFUND,
    Movement.REFUND_FAILED: Operation.REFUND,
    Movement.CHARGEBACK: Operation.DISPUTE,
    Movement.CHARGEBACK_WON: Operation.RESOLVE,
}
_MOVEMENTS = {
    Operation.CAPTURE: Movement.CAPTURE,
    Operation.REFUND: Movement.REFUND,
    Operation.DISPUTE: Movement.CHARGEBACK,
    Operation.RESOLVE: Movement.CHARGEBACK_WON,
}


_OUTWARDS = (Movement.REFUND, Movement.CHARGEBACK)
_CHARGED = (Movement.CAPTURE, Movement.CHARGEBACK)


class FeeParts(msgspec.Struct, frozen=True, gc=False):
    """A fee by who gets it: the card's issuer, the card's scheme, the provider. They add up to the fee."""

    interchange: int = 0
    scheme: int = 0
    markup: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One movement as the provider settles it. Amounts are minor units; ``gross`` is positive when the money comes to
    the merchant, ``fee`` is what the provider keeps of it, so that ``gross - fee`` is what is paid out.

    ``ordinal`` counts the movements of the same kind of one authorization, from 1. ``subject_reference`` is the
    provider's id of what the movement is of: for a dispute that was won, of the dispute.
    """

    movement: Movement
    reference: str
    provider_reference: str
    subject_reference: str
    authorization: str
    provider_authorization: str
    at: str
    gross: int
    fee: int
    fee_parts: FeeParts
    currency: str
    merchant_reference: str | None
    last4: str | None
    card_bin: str
    ordinal: int

    @property
    def operation(self) -> Operation:
        """The operation that brought the movement about."""
        return _OPERATIONS[self.movement]


class _Place(msgspec.Struct, frozen=True, gc=False):
    at: str
    movement: Movement
    record: Record
    ordinal: int


class Statement:
    """The movements of one provider by their day. It takes every record once, as soon as the record is durable."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._days: defaultdict[str, list[_Place]] = defaultdict(list)
        self._ordinals: Counter[tuple[str, Movement]] = Counter()

    def add(self, record: Record) -> None:
        """Give the movements of a record their day. What moves no money has none."""
        for at, movement in _movements_of(record):
            key = (record.request.original_reference or "", movement)
            self._ordinals[key] += 1
            self._days[at[:10]].append(_Place(at, movement, record, self._ordinals[key]))

    def days(self, now: str) -> list[str]:
        """The days that have lines by now, newest first."""
        found = (day for day, places in self._days.items() if any(place.at <= now for place in places))
        return sorted(found, reverse=True)

    def count(self, date: str) -> int:
        """How many lines the day has or will have."""
        return len(self._days.get(date, ()))

    def lines(self, book: Book, date: str, now: str) -> list[Line]:
        """The day's lines as they stand by now, in the order of their time, then their reference."""
        there = [place for place in self._days.get(date, ()) if place.at <= now]
        there.sort(key=lambda place: (place.at, place.record.request.reference, place.movement))
        return [_line(self._profile, book, place) for place in there]

    def paid_out(self, book: Book, date: str) -> Counter[str]:
        """What all lines of the day come to, in minor units by currency, without making them: a day may have many."""
        sums: Counter[str] = Counter()
        for place in list(self._days.get(date, ())):
            gross, fee, currency = _money(book, place)
            sums[currency] += gross - fee
        return sums


def _movements_of(record: Record) -> Iterator[tuple[str, Movement]]:
    request = record.request
    movement = _MOVEMENTS.get(request.operation)
    if movement is None or record.outcome is Outcome.DECLINED:
        return
    if request.operation is Operation.RESOLVE and not request.won:
        return
    if record.outcome is Outcome.PENDING and record.due_at is not None:
        yield record.due_at, movement
        return
    yield record.at, movement
    if record.due_at is not None:
        yield record.due_at, Movement.REFUND_FAILED


def _line(profile: Profile, book: Book, place: _Place) -> Line:
    record, request = place.record, place.record.request
    original = request.original_reference or ""
    authorization = book.get(original)
    card = authorization.request.card if authorization is not None else None
    subject = (_opening(book, place) or record).provider_reference
    gross, fee, currency = _money(book, place)
    card_bin = card.bin if card is not None else ""
    return Line(
        movement=place.movement,
        reference=request.reference,
        provider_reference=record.provider_reference,
        subject_reference=subject,
        authorization=original,
        provider_authorization=authorization.provider_reference if authorization is not None else "",
        at=place.at,
        gross=gross,
        fee=fee,
        fee_parts=_fee_parts(profile, place.movement, abs(gross), currency, card_bin),
        currency=currency,
        merchant_reference=authorization.request.merchant_reference if authorization is not None else None,
        last4=card.last4 if card is not None else None,
        card_bin=card_bin,
        ordinal=place.ordinal,
    )


def _money(book: Book, place: _Place) -> tuple[int, int, str]:
    """Gross amount, fee and currency of a line."""
    record, movement = place.record, place.movement
    amount = (_opening(book, place) or record).request.amount
    gross = -amount if movement in _OUTWARDS else amount
    fee = (record.fee or 0) if movement in _CHARGED else 0
    currency = record.request.currency
    if not currency:
        authorization = book.get(record.request.original_reference or "")
        currency = (authorization.currency if authorization is not None else None) or ""
    return gross, fee, currency


def _opening(book: Book, place: _Place) -> Record | None:
    """The dispute that was won; none for every other movement."""
    if place.movement is not Movement.CHARGEBACK_WON:
        return None
    return book.get(place.record.request.dispute_reference or "")


def _fee_parts(profile: Profile, movement: Movement, amount: int, currency: str, card_bin: str) -> FeeParts:
    if movement is Movement.CAPTURE:
        return FeeParts(*profile.fee_parts(amount, currency, card_bin))
    if movement is Movement.CHARGEBACK:
        return FeeParts(markup=profile.dispute_fee(amount, currency))
    return FeeParts()
