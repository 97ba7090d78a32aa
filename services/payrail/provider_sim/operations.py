"""What a provider knows and may do: a pure state machine over its records. No file, clock or randomness.

`Book` is one provider's memory. `decide` turns a request into the record it will leave, or refuses; `Book.add` takes
the record in and `Book.withdraw` takes it out again when it could not be written. Times are RFC 3339 texts of one
width, so they compare as the times do.
"""

from dataclasses import dataclass, field

import msgspec

from payrail.provider_sim.errors import (
    AmountExceeded,
    FieldInvalid,
    OriginalNotFound,
    OriginalNotOpen,
    ReferenceReused,
)
from payrail.provider_sim.fate import Verdict
from payrail.provider_sim.magic_cards import Behaviour
from payrail.provider_sim.profiles import DeclineReason, Operation, Outcome, Profile
from payrail.provider_sim.references import provider_reference


class CardOnRecord(msgspec.Struct, frozen=True, gc=False):
    """What a provider keeps of a card: never its number, never its CVC."""

    bin: str
    last4: str
    exp_month: int
    exp_year: int


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operation as it is asked for. ``amount`` is in minor units; a reversal has neither amount nor currency.

    ``final`` is of a capture: what is left of the authorization is released. ``dispute_reference`` names the dispute
    that evidence or a resolution is of, ``won`` says how it is resolved.
    """

    operation: Operation
    reference: str
    original_reference: str | None = None
    amount: int = 0
    currency: str | None = None
    merchant_id: str | None = None
    merchant_reference: str | None = None
    country: str | None = None
    attempt: int | None = None
    card: CardOnRecord | None = None
    final: bool = False
    reason: str | None = None
    dispute_reference: str | None = None
    evidence_kind: str | None = None
    evidence_text: str | None = None
    won: bool | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One operation for good, and one line of the record file.

    ``amount`` and ``currency`` say what it moved: for a reversal what it released of the hold, with no currency where
    there was none. ``fee`` is what the provider keeps. ``due_at`` is when a late approval or a refund's second outcome
    becomes true; until then the first one stands.
    """

    request: Request
    outcome: Outcome
    provider_reference: str
    at: str
    amount: int
    currency: str | None
    declines: DeclineReason | None = None
    behaviour: Behaviour | None = None
    fee: int | None = None
    due_at: str | None = None


@dataclass(slots=True)
class Dispute:
    """One dispute of an authorization: the records that opened it, answered it and resolved it."""

    opening: Record
    evidence: Record | None = None
    resolution: Record | None = None

    @property
    def holds(self) -> bool:
        """Whether its amount is taken from the merchant: while it is open, and when it is lost."""
        return self.resolution is None or not self.resolution.request.won


@dataclass(slots=True)
class Standing:
    """What became of one authorization: ``reversal`` is the record that released it or forbade it; ``closed`` says
    that a final capture released the rest."""

    record: Record | None = None
    captured: int = 0
    closed: bool = False
    refunds: dict[str, Record] = field(default_factory=dict)
    disputes: dict[str, "Dispute"] = field(default_factory=dict)
    reversal: Record | None = None


class Book:
    """The records of one provider, looked up by reference, and the standing of each authorization."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._records: dict[str, Record] = {}
        self._standings: dict[str, Standing] = {}
        self._counts: dict[Operation, int] = {op: 0 for op in Operation if op is not Operation.INQUIRY}

    def get(self, reference: str) -> Record | None:
        """The record of an operation, if there is one; a tombstone alone is none."""
        return self._records.get(reference)

    def counts(self) -> dict[Operation, int]:
        """How many operations of each kind are on record."""
        return dict(self._counts)

    def standing(self, reference: str) -> Standing | None:
        """The standing of an authorization, or of a reference that a reversal forbade."""
        return self._standings.get(reference)

    def add(self, record: Record) -> None:
        """Take a decided record in."""
        request = record.request
        self._records[request.reference] = record
        self._counts[request.operation] += 1
        original = request.original_reference
        if original is None:
            self._standings.setdefault(request.reference, Standing()).record = record
            return
        if record.outcome is Outcome.DECLINED:
            return  # It changed nothing, and a refused reversal of an unseen reference leaves no tombstone.
        standing = self._standings.setdefault(original, Standing())
        if request.operation is Operation.REVERSE:
            standing.reversal = standing.reversal or record
        elif request.operation is Operation.CAPTURE:
            standing.captured += request.amount
            standing.closed = standing.closed or request.final
        elif request.operation is Operation.REFUND:
            standing.refunds[request.reference] = record
        elif request.operation is Operation.DISPUTE:
            standing.disputes[request.reference] = Dispute(record)
        elif request.operation is Operation.EVIDENCE:
            standing.disputes[request.dispute_reference or ""].evidence = record
        else:
            standing.disputes[request.dispute_reference or ""].resolution = record

    def withdraw(self, record: Record) -> None:
        """Take the newest record of its authorization out again, as if it had never been decided."""
        request = record.request
        del self._records[request.reference]
        self._counts[request.operation] -= 1
        original = request.original_reference
        if original is None:
            original = request.reference
        elif record.outcome is Outcome.DECLINED:
            return
        standing = self._standings[original]
        if standing.record is record:
            standing.record = None
        elif request.operation is Operation.REVERSE:
            standing.reversal = None if standing.reversal is record else standing.reversal
        elif request.operation is Operation.CAPTURE:
            standing.captured -= request.amount
            standing.closed = standing.closed and not request.final
        elif request.operation is Operation.REFUND:
            del standing.refunds[request.reference]
        elif request.operation is Operation.DISPUTE:
            del standing.disputes[request.reference]
        elif request.operation is Operation.EVIDENCE:
            standing.disputes[request.dispute_reference or ""].evidence = None
        else:
            standing.disputes[request.dispute_reference or ""].resolution = None
        if standing == Standing():
            del self._standings[original]


def replay(book: Book, request: Request) -> Record | None:
    """The record that this very request left before, if it did. Raises `ReferenceReused` for another request's."""
    record = book.get(request.reference)
    if record is None:
        return None
    if record.request != request:
        raise ReferenceReused("This reference belongs to an operation with other parameters.")
    return record


def decide(book: Book, request: Request, verdict: Verdict, now: str, later: str) -> Record:
    """The record of a request whose reference is new. ``later`` is when its second outcome, if any, becomes true.

    Raises a refusal of `errors` when the request does not fit what is on record; then nothing is to be recorded.
    """
    if request.operation is Operation.AUTHORIZE:
        return _authorize(book, request, verdict, now, later)
    if request.operation is Operation.REVERSE:
        return _reverse(book, request, verdict, now)
    standing = _approved_original(book, request, now)
    if request.operation is Operation.CAPTURE:
        return _capture(book, standing, request, verdict, now)
    if request.operation is Operation.DISPUTE:
        return open_dispute(book, standing, request, verdict, now)
    if request.operation in (Operation.EVIDENCE, Operation.RESOLVE):
        return _answer_dispute(book, standing, request, verdict, now)
    return _refund(book, standing, request, verdict, now, later)


def outcome_at(book: Book, record: Record, now: str) -> Outcome | None:
    """How an operation stands by now; None for an approval that is still on its way."""
    request = record.request
    if request.operation is Operation.AUTHORIZE and record.outcome is Outcome.APPROVED:
        standing = book.standing(request.reference)
        if standing is not None and standing.reversal is not None and standing.captured == 0:
            return Outcome.REVERSED
        return None if _is_on_its_way(record, now) else Outcome.APPROVED
    if request.operation is Operation.AUTHORIZE and record.declines is DeclineReason.REVERSED:
        return Outcome.REVERSED
    if record.due_at is None or now < record.due_at:
        return record.outcome
    return Outcome.APPROVED if record.outcome is Outcome.PENDING else Outcome.FAILED


def held(standing: Standing, now: str) -> int:
    """What the authorization still holds on the card, in minor units."""
    record = standing.record
    if record is None or record.outcome is not Outcome.APPROVED or _is_on_its_way(record, now):
        return 0
    if standing.reversal is not None or standing.closed:
        return 0
    return record.request.amount - standing.captured


def refunded(book: Book, standing: Standing, now: str) -> int:
    """What was given back, or is about to be: refunds that failed do not count."""
    return sum(
        refund.request.amount
        for refund in standing.refunds.values()
        if outcome_at(book, refund, now) is not Outcome.FAILED
    )


def disputed(standing: Standing) -> int:
    """What open and lost disputes took back."""
    return sum(dispute.opening.request.amount for dispute in standing.disputes.values() if dispute.holds)


def _returnable(book: Book, standing: Standing, now: str) -> int:
    return standing.captured - refunded(book, standing, now) - disputed(standing)


def open_dispute(book: Book, standing: Standing, request: Request, verdict: Verdict, now: str) -> Record:
    """The record of a new dispute, with the provider's fee. Raises a refusal where there is not that much left."""
    left = _returnable(book, standing, now)
    if standing.captured == 0:
        raise OriginalNotOpen("Nothing of the authorization is captured.")
    if request.amount > left:
        raise AmountExceeded(left, request.amount)
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    fee = book.profile.dispute_fee(request.amount, request.currency or "")
    return _record(book, request, Outcome.APPROVED, now, fee=fee)


def _answer_dispute(book: Book, standing: Standing, request: Request, verdict: Verdict, now: str) -> Record:
    dispute = standing.disputes.get(request.dispute_reference or "")
    if dispute is None:
        raise OriginalNotFound("The provider has no dispute under this reference.")
    if dispute.resolution is not None:
        raise OriginalNotOpen("The dispute is closed.")
    if request.operation is Operation.EVIDENCE and dispute.evidence is not None:
        raise OriginalNotOpen("The dispute is under review.")
    if request.won and dispute.evidence is None:
        raise OriginalNotOpen("A dispute is not won without evidence.")
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    return _record(book, request, Outcome.APPROVED, now)


def _authorize(book: Book, request: Request, verdict: Verdict, now: str, later: str) -> Record:
    standing = book.standing(request.reference)
    if standing is not None and standing.reversal is not None:
        verdict = Verdict(DeclineReason.REVERSED)
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    due_at = later if verdict.behaviour is Behaviour.LATE_APPROVAL else None
    return _record(book, request, Outcome.APPROVED, now, behaviour=verdict.behaviour, due_at=due_at)


def _reverse(book: Book, request: Request, verdict: Verdict, now: str) -> Record:
    """A reversal is acknowledged whenever nothing of the authorization is held, or can be held, afterwards."""
    original = _original_reference(request)
    standing = book.standing(original)
    if standing is None and book.get(original) is not None:
        raise OriginalNotOpen("Only an authorization can be reversed.")
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    if standing is None or standing.record is None or _is_on_its_way(standing.record, now):
        return _record(book, request, Outcome.APPROVED, now)
    released = held(standing, now)
    if released == 0 and standing.captured and standing.reversal is None:
        raise OriginalNotOpen("All of the authorization is captured.")
    currency = standing.record.currency
    return _record(book, request, Outcome.APPROVED, now, amount=released, currency=currency)


def _capture(book: Book, standing: Standing, request: Request, verdict: Verdict, now: str) -> Record:
    if standing.reversal is not None:
        raise OriginalNotOpen("The authorization was reversed.")
    left = held(standing, now)
    if left == 0:
        raise OriginalNotOpen("All of the authorization is captured.")
    if request.amount > left:
        raise AmountExceeded(left, request.amount)
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    card = standing.record.request.card if standing.record is not None else None
    fee = book.profile.fee(request.amount, request.currency or "", card.bin if card is not None else "")
    return _record(book, request, Outcome.APPROVED, now, fee=fee)


def _refund(
    book: Book, standing: Standing, request: Request, verdict: Verdict, now: str, later: str
) -> Record:
    left = _returnable(book, standing, now)
    if request.amount > left:
        raise AmountExceeded(left, request.amount)
    if verdict.declines is not None:
        return _record(book, request, Outcome.DECLINED, now, declines=verdict.declines)
    behaviour = standing.record.behaviour if standing.record is not None else None
    if behaviour is Behaviour.REFUND_PENDING_THEN_SUCCEEDS:
        return _record(book, request, Outcome.PENDING, now, due_at=later)
    if behaviour is Behaviour.REFUND_SUCCEEDS_THEN_FAILS:
        return _record(book, request, Outcome.APPROVED, now, due_at=later)
    return _record(book, request, Outcome.APPROVED, now)


def _approved_original(book: Book, request: Request, now: str) -> Standing:
    original = _original_reference(request)
    standing = book.standing(original)
    if standing is None or standing.record is None or _is_on_its_way(standing.record, now):
        if standing is not None and standing.reversal is not None:
            raise OriginalNotOpen("The authorization was reversed.")
        raise OriginalNotFound("The provider has no authorization under this reference.")
    if standing.record.outcome is not Outcome.APPROVED:
        raise OriginalNotOpen("The authorization was declined.")
    if request.currency is not None and standing.record.currency != request.currency:
        raise FieldInvalid("/currency", "must be that of the authorization")
    return standing


def _original_reference(request: Request) -> str:
    if request.original_reference is None:
        raise FieldInvalid("/original_reference", "is required")
    return request.original_reference


def _is_on_its_way(record: Record, now: str) -> bool:
    return record.behaviour is Behaviour.LATE_APPROVAL and record.due_at is not None and now < record.due_at


def _record(
    book: Book,
    request: Request,
    outcome: Outcome,
    now: str,
    *,
    declines: DeclineReason | None = None,
    behaviour: Behaviour | None = None,
    amount: int | None = None,
    currency: str | None = None,
    fee: int | None = None,
    due_at: str | None = None,
) -> Record:
    return Record(
        request=request,
        outcome=outcome,
        provider_reference=provider_reference(book.profile, request.operation, request.reference),
        at=now,
        amount=request.amount if amount is None else amount,
        currency=currency or request.currency,
        declines=declines,
        behaviour=behaviour,
        fee=fee,
        due_at=due_at,
    )
