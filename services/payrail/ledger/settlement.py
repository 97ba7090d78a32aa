"""The folds of what the ledger jobs enter: settlements, payouts, bookings of the bank, reconciliations.

All of it belongs to one merchant, but for a booking of the bank, which is a provider's. Each entry is proved against
its own data: what it posts follows from what it says, and entries of one day continue each other without a gap.
"""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from payrail.ledger import accounts
from payrail.ledger import settlement_events as events
from payrail.ledger.entry import Entry
from payrail.ledger.postings import Posting, moved
from payrail.ledger.settlement_events import BankLine, SettledTotal
from payrail.ledger.transitions import InvalidTransition

PayoutState = Literal["CREATED", "PAID"]


class Settlement(Struct, frozen=True):
    """A merchant's settled day as of its entry `version`; `totals` are of all its entries, by currency and provider."""

    id: str
    merchant_id: str
    date: str
    through_seq: int
    totals: tuple[SettledTotal, ...]
    created_at: str
    updated_at: str
    version: int
    seq: int


class Payout(Struct, frozen=True):
    """`amount` minor units on their way to the merchant's bank, or there."""

    id: str
    merchant_id: str
    state: PayoutState
    amount: int
    currency: str
    created_at: str
    updated_at: str
    version: int
    seq: int


class BankBooking(Struct, frozen=True):
    """What a provider paid of a day, as of entry `version`; `lines` are the sums of all its entries, by currency."""

    id: str
    provider: str
    date: str
    through_seq: int
    lines: tuple[BankLine, ...]
    created_at: str
    updated_at: str
    version: int
    seq: int


class Reconciliation(Struct, frozen=True):
    """What the latest reconciliation of a merchant's day found."""

    id: str
    merchant_id: str
    date: str
    matched: int
    breaks: dict[str, int]
    created_at: str
    updated_at: str
    version: int
    seq: int


JobRecord = Settlement | Payout | BankBooking | Reconciliation


class UnfoundedEntry(ValueError):
    """An entry of the jobs posts something else than its data says, or does not continue the entry before it."""

    code = "unfounded_entry"


def settlement_id(date: str, merchant_id: str) -> str:
    """The settlement of a merchant's day."""
    return f"stl_{date.replace('-', '')}_{merchant_id}"


def bank_booking_id(date: str, provider: str) -> str:
    """The booking of what a provider paid of a day."""
    return f"bnk_{date.replace('-', '')}_{provider}"


def reconciliation_id(date: str, merchant_id: str) -> str:
    """The reconciliation of a merchant's day."""
    return f"rec_{date.replace('-', '')}_{merchant_id}"


def settlement_postings(data: events.SettlementCreated) -> tuple[Posting, ...]:
    """What captures made becomes available: one transfer for each currency, backwards where fees were above it."""
    released: dict[str, int] = {}
    for total in data.totals:
        released[total.currency] = released.get(total.currency, 0) + total.released
    pending, available = (
        accounts.merchant_pending(data.merchant_id),
        accounts.merchant_available(data.merchant_id),
    )
    return tuple(
        posting
        for currency, amount in sorted(released.items())
        for posting in moved(pending, available, amount, currency)
    )


def payout_created_postings(data: events.PayoutCreated) -> tuple[Posting, ...]:
    """The money leaves the merchant's account."""
    available = accounts.merchant_available(data.merchant_id)
    return moved(available, accounts.PAYOUT_CLEARING, data.amount, data.currency)


def payout_paid_postings(payout: Payout) -> tuple[Posting, ...]:
    """The money leaves the bank."""
    return moved(accounts.PAYOUT_CLEARING, accounts.BANK, payout.amount, payout.currency)


def bank_postings(data: events.BankBooked) -> tuple[Posting, ...]:
    """The bank has what the file says, the provider owes no more of what was expected; `suspense` has what differs."""
    receivable = accounts.provider_receivable(data.provider)
    return tuple(
        posting
        for line in data.lines
        for posting in (
            *moved(accounts.BANK, receivable, line.received, line.currency),
            *moved(accounts.SUSPENSE, receivable, line.expected - line.received, line.currency),
        )
    )


def evolve_record(record: JobRecord | None, entry: Entry) -> JobRecord:
    """The record after `entry`. Raises `InvalidTransition` or `UnfoundedEntry` where the entry may not follow."""
    if entry.idempotency is not None:
        raise UnfoundedEntry(f"{entry.id} carries an idempotency key, though nobody asked for it")
    return _EVOLVE[entry.type](record, entry.data, entry)


def _settled(record: JobRecord | None, data: events.SettlementCreated, entry: Entry) -> Settlement:
    _require(entry, entity=settlement_id(data.date, data.merchant_id), postings=settlement_postings(data))
    if not data.totals or any(total.net != total.gross - total.fee for total in data.totals):
        raise UnfoundedEntry(f"{entry.id} has no totals, or a net that is not the gross less the fee")
    before = record if isinstance(record, Settlement) else None
    _require_next_range(before, data, entry)
    totals = _summed((before.totals if before else ()) + data.totals)
    created_at = before.created_at if before else entry.at
    return Settlement(
        entry.entity, data.merchant_id, data.date, data.through_seq, totals, created_at, entry.at,
        entry.version, entry.seq,
    )  # fmt: skip


def _payout_created(record: JobRecord | None, data: events.PayoutCreated, entry: Entry) -> Payout:
    if record is not None:
        raise InvalidTransition(_state_of(record), "CREATED", "payout")
    if data.amount < 1:
        raise UnfoundedEntry(f"{entry.id} pays out {data.amount}: an amount is at least 1")
    _require(entry, postings=payout_created_postings(data))
    return Payout(
        entry.entity, data.merchant_id, "CREATED", data.amount, data.currency, entry.at, entry.at,
        entry.version, entry.seq,
    )  # fmt: skip


def _payout_paid(record: JobRecord | None, _data: events.PayoutPaid, entry: Entry) -> Payout:
    if not isinstance(record, Payout) or record.state != "CREATED":
        raise InvalidTransition(_state_of(record), "PAID", "payout")
    _require(entry, postings=payout_paid_postings(record))
    return replace(record, state="PAID", updated_at=entry.at, version=entry.version, seq=entry.seq)


def _bank_booked(record: JobRecord | None, data: events.BankBooked, entry: Entry) -> BankBooking:
    _require(entry, entity=bank_booking_id(data.date, data.provider), postings=bank_postings(data))
    before = record if isinstance(record, BankBooking) else None
    _require_next_range(before, data, entry)
    sums: dict[str, BankLine] = {line.currency: line for line in (before.lines if before else ())}
    for line in data.lines:
        known = sums.get(line.currency, BankLine(line.currency, 0, 0))
        sums[line.currency] = BankLine(
            line.currency, known.expected + line.expected, known.received + line.received
        )
    created_at = before.created_at if before else entry.at
    lines = tuple(line for _, line in sorted(sums.items()))
    return BankBooking(
        entry.entity, data.provider, data.date, data.through_seq, lines, created_at, entry.at,
        entry.version, entry.seq,
    )  # fmt: skip


def _reconciled(
    record: JobRecord | None, data: events.ReconciliationCompleted, entry: Entry
) -> Reconciliation:
    _require(entry, entity=reconciliation_id(data.date, data.merchant_id), postings=())
    created_at = record.created_at if record else entry.at
    return Reconciliation(
        entry.entity, data.merchant_id, data.date, data.matched, data.breaks, created_at, entry.at,
        entry.version, entry.seq,
    )  # fmt: skip


_EVOLVE: dict[str, Callable[[JobRecord | None, Any, Entry], JobRecord]] = {
    "settlement.created": _settled,
    "payout.created": _payout_created,
    "payout.paid": _payout_paid,
    "bank.booked": _bank_booked,
    "reconciliation.completed": _reconciled,
}


def _require(entry: Entry, *, postings: tuple[Posting, ...], entity: str | None = None) -> None:
    if entity is not None and entry.entity != entity:
        raise UnfoundedEntry(
            f"{entry.id} is about {entity} by its data, but about {entry.entity} by its name"
        )
    if entry.postings != postings:
        raise UnfoundedEntry(f"{entry.id} posts something else than its data says")


def _require_next_range(
    before: Settlement | BankBooking | None, data: events.SettlementCreated | events.BankBooked, entry: Entry
) -> None:
    """Ranges of one day and owner follow each other: each movement is covered once, none is left out."""
    expected = before.through_seq + 1 if before else 1
    if data.from_seq != expected:
        raise UnfoundedEntry(f"{entry.id} begins at seq {data.from_seq}, but {expected} is the next one")
    if not data.from_seq <= data.through_seq + 1 <= entry.seq:
        raise UnfoundedEntry(
            f"{entry.id} covers the ledger through seq {data.through_seq}, which is no range"
        )


def _summed(totals: tuple[SettledTotal, ...]) -> tuple[SettledTotal, ...]:
    sums: dict[tuple[str, str], SettledTotal] = {}
    for total in totals:
        key = (total.currency, total.provider)
        known = sums.get(key)
        sums[key] = total if known is None else SettledTotal(
            total.currency, total.provider, known.movements + total.movements, known.gross + total.gross,
            known.fee + total.fee, known.net + total.net, known.released + total.released,
        )  # fmt: skip
    return tuple(total for _, total in sorted(sums.items()))


def _state_of(record: JobRecord | None) -> str:
    return record.state if isinstance(record, Payout) else "none"
