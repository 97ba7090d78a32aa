"""Whether what was settled and booked is what the ledger's movements come to, each of them once."""

from array import array
from collections import defaultdict
from collections.abc import Mapping

from payrail.cli.verification.chain import Placed
from payrail.cli.verification.findings import Report
from payrail.cli.verification.settlement_files import SettledDay, row_digest
from payrail.ledger import accounts
from payrail.ledger.movement import OPERATIONS, Change, movement_of
from payrail.ledger.settlement import BankBooking, JobRecord, Settlement, settlement_id
from payrail.ledger.settlement_events import BankBooked, SettlementCreated
from payrail.ledger.state import Committed, LedgerState

#: Of each movement: its place, its gross amount, the merchant's fee, and what of it a capture made.
_FIELDS = 4


class SettledBooks:
    """Takes in every movement and every entry of the jobs, in sequence; `finish` judges what is left."""

    def __init__(self, report: Report, days: Mapping[str, SettledDay]) -> None:
        self._report = report
        self._days = days
        self._digests: defaultdict[str, int] = defaultdict(int)
        self._unsettled: dict[tuple[str, str], dict[tuple[str, str], array[int]]] = {}
        self._unbooked: dict[tuple[str, str], dict[str, array[int]]] = {}
        self._open_items: defaultdict[tuple[str, str], int] = defaultdict(int)

    def take_in(self, placed: Placed, committed: Committed) -> None:
        """An entry of a payment, a refund or a dispute."""
        entry = placed.entry
        change = movement_of(entry)
        if change is None:
            return
        date, merchant_id, fee = entry.at[:10], committed.subject.merchant_id, _merchant_fee(committed)
        gross = change.amount + getattr(entry.data, "provider_fee", 0)
        released = gross - fee if entry.type == "payment.captured" else 0
        merchant = self._unsettled.setdefault((date, merchant_id), {})
        rows = merchant.setdefault((change.currency, change.provider), array("q"))
        rows.extend((entry.seq, gross, fee, released))
        booked = self._unbooked.setdefault((date, change.provider), {})
        booked.setdefault(change.currency, array("q")).extend((entry.seq, change.amount))
        self._open_items[change.provider, change.currency] += change.amount
        day = self._days.get(date)
        if day is not None and entry.seq <= day.through_seq:
            self._digests[date] += row_digest(_row(committed, change, gross, fee))

    def judge_record(self, placed: Placed, record: JobRecord | None) -> None:
        """An entry of the jobs that follows from its own data: does its data follow from the movements, too?"""
        if isinstance(record, Settlement):
            self._judge_settlement(placed, placed.entry.data)
        elif isinstance(record, BankBooking):
            self._judge_booking(placed, placed.entry.data)

    def finish(self, state: LedgerState) -> None:
        """Judge receivables and files."""
        for (account, currency), balance in state.balances.items():
            provider = account.removeprefix(accounts.provider_receivable(""))
            open_items = self._open_items.get((provider, currency), 0)
            if provider != account and balance != open_items:
                reason = f"{account} is {balance} {currency}, but its open items come to {open_items}"
                self._report.find("receivable", "ledger", None, reason)
        for date, day in self._days.items():
            self._judge_file(date, day, state)

    def _judge_settlement(self, placed: Placed, data: SettlementCreated) -> None:
        sources = self._unsettled.get((data.date, data.merchant_id), {})
        expected = {}
        for key, rows in sources.items():
            covered, sources[key] = _split(rows, _FIELDS, data.through_seq)
            if covered:
                sums = [sum(covered[field::_FIELDS]) for field in range(1, _FIELDS)]
                expected[key] = (len(covered) // _FIELDS, *sums)
        stated = {(t.currency, t.provider): (t.movements, t.gross, t.fee, t.released) for t in data.totals}
        if stated != expected:
            reason = f"{placed.entry.entity} settles {stated}, but the movements it covers are {expected}"
            self._report.find("settlement", placed.file, placed.line, reason)

    def _judge_booking(self, placed: Placed, data: BankBooked) -> None:
        sources = self._unbooked.get((data.date, data.provider), {})
        expected = {}
        for currency, rows in sources.items():
            covered, sources[currency] = _split(rows, 2, data.through_seq)
            if covered:
                expected[currency] = sum(covered[1::2])
        stated = {line.currency: line.expected for line in data.lines}
        if {name: amount for name, amount in stated.items() if amount or name in expected} != expected:
            reason = f"{placed.entry.entity} expects {stated}, but the movements it covers are {expected}"
            self._report.find("bank_booking", placed.file, placed.line, reason)
        for currency, amount in stated.items():
            self._open_items[data.provider, currency] -= amount

    def _judge_file(self, date: str, day: SettledDay, state: LedgerState) -> None:
        if self._digests[date] != day.digest:
            reason = f"its rows are not the movements of the day up to seq {day.through_seq}"
            self._report.find("settlement", day.file(date), None, reason)
        for merchant_id, newest in day.newest.items():
            record = state.records.get(settlement_id(date, merchant_id))
            through_seq = record.through_seq if isinstance(record, Settlement) else 0
            if day.status == "final" and through_seq < newest:
                reason = f"it is called final, but {merchant_id} is settled through seq {through_seq} only"
                self._report.find("settlement", day.file(date), None, reason)


def _split(rows: "array[int]", width: int, through_seq: int) -> tuple["array[int]", "array[int]"]:
    """The rows up to a place in the ledger, and those after it."""
    end = next((at for at in range(0, len(rows), width) if rows[at] > through_seq), len(rows))
    return rows[:end], rows[end:]


def _merchant_fee(committed: Committed) -> int:
    fee: int = getattr(committed.entry.data, "merchant_fee", 0)
    return fee


def _row(committed: Committed, change: Change, gross: int, fee: int) -> dict[str, object]:
    entry = committed.entry
    payment = committed.payment
    terms = getattr(entry.data, "terms", None)
    return {
        "date": entry.at[:10],
        "merchant_id": committed.subject.merchant_id,
        "currency": change.currency,
        "provider": change.provider,
        "operation": OPERATIONS[entry.type],
        "payment_id": payment.id if payment else "",
        "entity": entry.entity,
        "reference": entry.data.attempt_id or (terms.reference if terms else ""),
        "at": entry.at,
        "gross": gross,
        "fee": fee,
        "net": gross - fee,
        "seq": entry.seq,
    }
