"""Faults in settlement files: which lines an injected failure hits, and what it makes of them. Pure.

A plant is decided once per rule and line, from the seed and the line itself, and is for good: it is written down before
the file goes out, so that the same file asked for again has the same bytes, and a rule that is taken away later takes
back nothing. Of several rules that hit a line the oldest one does; a line is hit once.

The written plants are the ground truth that a reconciliation can be judged by. ``expects`` names the break that a
ledger without faults of its own must find there.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from payrail.provider_sim.failures import Mode, Rule
from payrail.provider_sim.fate import uniform
from payrail.provider_sim.profiles import Profile
from payrail.provider_sim.references import provider_reference, reference_of_followup
from payrail.provider_sim.settlement import Line, Movement

#: The share of wrong amounts that are in the wrong currency, rather than too high or too low.
WRONG_CURRENCY_SHARE = 0.25
_FALSE_AMOUNT_MINOR_MAX = 500


class Plant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Line of ``<provider>_planted.jsonl``: what the file says of one movement instead of the truth.

    ``reference`` and ``movement`` name the line that is hit; ``planted_reference`` the line that the break is to be
    found at, which is another one for an orphan. Amounts are minor units; those of the file are 0 for a line that is
    left out.
    """

    date: str
    rule: str
    mode: Mode
    expects: str
    movement: Movement
    reference: str
    planted_reference: str
    gross: int
    fee: int
    currency: str
    file_gross: int
    file_fee: int
    file_currency: str

    @property
    def key(self) -> tuple[str, Movement]:
        """The line that it is in the place of."""
        return self.reference, self.movement


def decide_plants(
    profile: Profile,
    seed: int,
    date: str,
    lines: Iterable[Line],
    rules: list[Rule],
    planted: Mapping[tuple[str, Movement], Plant],
) -> Iterator[Plant]:
    """The plants that are new: of lines that have none, by rules in force. What a rule may still hit is counted."""
    left = {rule.id: rule.remaining for rule in rules}
    for line in lines:
        if (line.reference, line.movement) in planted:
            continue
        for rule in rules:
            if left[rule.id] == 0 or not _hits(profile, seed, rule, line):
                continue
            remaining = left[rule.id]
            left[rule.id] = remaining - 1 if remaining is not None else None
            yield _plant(profile, seed, date, rule, line)
            break


def with_plants(
    profile: Profile, lines: Iterable[Line], planted: Mapping[tuple[str, Movement], Plant]
) -> Iterator[Line]:
    """The lines as the file says them."""
    for line in lines:
        plant = planted.get((line.reference, line.movement))
        if plant is None:
            yield line
            continue
        match plant.mode:
            case Mode.SETTLEMENT_MISSING:
                continue
            case Mode.SETTLEMENT_DUPLICATE:
                yield from (line, line)
            case Mode.SETTLEMENT_ORPHAN:
                yield from (line, _stray(profile, line))
            case _:
                yield _altered(line, plant)


def paid_more(plant: Plant) -> Counter[str]:
    """How much more than for the truth is paid for the lines as the file says them, in minor units by currency."""
    more = Counter({plant.file_currency: plant.file_gross - plant.file_fee})
    if plant.mode not in (Mode.SETTLEMENT_DUPLICATE, Mode.SETTLEMENT_ORPHAN):
        more[plant.currency] -= plant.gross - plant.fee
    return more


def _hits(profile: Profile, seed: int, rule: Rule, line: Line) -> bool:
    if rule.operation is not None and rule.operation is not line.operation:
        return False
    if rule.last4 is not None and rule.last4 != line.last4:
        return False
    return rule.rate >= 1 or _drawn(profile, seed, rule, line, "hit") < rule.rate


def _drawn(profile: Profile, seed: int, rule: Rule, line: Line, what: str) -> float:
    """A draw of this rule on this line. It follows the merchant's reference where there is one, as every fate does."""
    subject = line.merchant_reference or line.authorization
    return uniform(
        "settlement", what, seed, profile.id, rule.ordinal, rule.mode, line.movement, subject, line.ordinal
    )


def _plant(profile: Profile, seed: int, date: str, rule: Rule, line: Line) -> Plant:
    gross, fee, currency, reference = line.gross, line.fee, line.currency, line.reference
    match rule.mode:
        case Mode.SETTLEMENT_MISSING:
            gross, fee, expects = 0, 0, "missing_in_provider"
        case Mode.SETTLEMENT_DUPLICATE:
            expects = "duplicate"
        case Mode.SETTLEMENT_ORPHAN:
            reference, expects = _stray(profile, line).reference, "orphan"
        case Mode.SETTLEMENT_FEE:
            # One minor unit: who finds the smallest error there is finds every larger one.
            higher = fee == 0 or _drawn(profile, seed, rule, line, "side") < 1 / 2
            fee, expects = fee + (1 if higher else -1), "fee_mismatch"
        case _:
            gross, currency, expects = _false_amount(profile, seed, rule, line)
    return Plant(
        date=date, rule=rule.id, mode=rule.mode, expects=expects, movement=line.movement,
        reference=line.reference, planted_reference=reference,
        gross=line.gross, fee=line.fee, currency=line.currency,
        file_gross=gross, file_fee=fee, file_currency=currency,
    )  # fmt: skip


def _false_amount(profile: Profile, seed: int, rule: Rule, line: Line) -> tuple[int, str, str]:
    """A gross amount that is too high or too low, or one in another currency; and what that is called."""
    if _drawn(profile, seed, rule, line, "currency") < WRONG_CURRENCY_SHARE:
        return line.gross, "EUR" if line.currency != "EUR" else "USD", "currency_mismatch"
    off_by = 1 + int(
        _drawn(profile, seed, rule, line, "size") * min(_FALSE_AMOUNT_MINOR_MAX, abs(line.gross))
    )
    # The sign of a line tells a capture from a refund, so an error never takes an amount past zero.
    can_shrink = off_by < abs(line.gross)
    larger = not can_shrink or _drawn(profile, seed, rule, line, "side") < 1 / 2
    outwards = -1 if line.gross < 0 else 1
    gross = line.gross + (off_by if larger else -off_by) * outwards
    return gross, line.currency, "amount_over" if gross > line.gross else "amount_under"


def _altered(line: Line, plant: Plant) -> Line:
    parts = replace(line.fee_parts, markup=line.fee_parts.markup + plant.file_fee - line.fee)
    return replace(
        line, gross=plant.file_gross, fee=plant.file_fee, fee_parts=parts, currency=plant.file_currency
    )


def _stray(profile: Profile, line: Line) -> Line:
    """A line about something that PayRail never asked for; it follows from the line that it stands beside."""
    digest = hashlib.sha256(f"stray:{line.movement}:{line.reference}".encode()).hexdigest()
    reference = reference_of_followup(line.operation, digest)
    authorization = reference_of_followup(line.operation, f"{digest}:authorization")
    own = provider_reference(profile, line.operation, reference)
    return replace(
        line,
        reference=reference,
        provider_reference=own,
        subject_reference=own,
        authorization=authorization,
        provider_authorization=provider_reference(profile, line.operation, authorization),
        merchant_reference=None,
    )
