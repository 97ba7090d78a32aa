"""What the entries, one after the other, make of payments, keys, intents and balances, and where one may not follow.

An entity whose fold broke, or of which an entry could not be read, is not judged any further: everything that follows
would only repeat the first finding.
"""

from collections.abc import Callable
from typing import Literal

from payrail.cli.verification.chain import Placed
from payrail.cli.verification.findings import Account, CurrencyTotals, Report
from payrail.cli.verification.packed_state import PackedState
from payrail.cli.verification.settled_books import SettledBooks
from payrail.ledger import accounts
from payrail.ledger.account_rules import required_postings
from payrail.ledger.attempts import Attempt
from payrail.ledger.claims import ClaimConflict, HeldClaim, Scope, needs_claim
from payrail.ledger.entry import Claim, Entry
from payrail.ledger.payment import Payment
from payrail.ledger.postings import UnbalancedPostings, require_balanced, sums_by_account
from payrail.ledger.settlement_events import SETTLEMENT_EVENTS
from payrail.ledger.state import Committed, OutOfOrder, Subject

_LIVE = ("pending", "unknown", "approved")
_OPEN = ("pending", "unknown")
_ID_PREFIXES = ("pay_", "ref_", "dsp_")


class Folds:
    """Folds entries in sequence; `finish` judges what is still open at the end."""

    def __init__(
        self,
        report: Report,
        settled: SettledBooks | None = None,
        state: PackedState | None = None,
        tell: Callable[[Committed], None] = lambda _committed: None,
    ) -> None:
        """`tell` is told of each entry that is good, with its things as they are after it."""
        self._report = report
        self._settled = settled or SettledBooks(report, {})
        self._tell = tell
        self._incomplete = False
        self._state = state or PackedState()
        self._unjudged: set[str] = set()
        self._open_claims: dict[Scope, Placed] = {}
        self._open_intents: dict[str, Placed] = {}

    def fold(self, placed: Placed, *, incomplete: bool) -> None:
        """Take one entry in. `incomplete` says that an entry before it is missing or could not be read."""
        self._report.summary.entries += 1
        balanced = self._judge_postings(placed)
        entity = placed.entry.entity
        self._incomplete = self._incomplete or incomplete
        if placed.entry.type in SETTLEMENT_EVENTS:
            self._fold_record(placed, incomplete=incomplete)
            return
        before = self._state.latest(entity)
        payment_id = _payment_of(placed.entry, before)
        if entity in self._unjudged or payment_id in self._unjudged:
            return
        payment = self._state.latest_payment(payment_id)
        if incomplete and _cannot_be_judged(placed.entry, before, payment):
            self._give_up(entity)
            return
        claim = placed.entry.idempotency
        held = self._state.latest_claim(claim.scope) if claim else None
        try:
            committed = self._state.stage(placed.entry)
        except ClaimConflict as error:
            self._refuse(placed, "idempotency", str(error))
        except OutOfOrder as error:
            self._refuse(placed, "version", f"version {placed.entry.version}: {error}")
        except ValueError as error:
            # What is missing may be the capture that a refund or dispute returns money of.
            self._refuse_move(placed, error, excused=incomplete and entity != payment_id)
        else:
            self._state.publish()
            self._tell(committed)
            if balanced:
                self._judge_accounts(placed, before, committed.subject)
            self._count(payment, committed.payment)
            self._settled.take_in(placed, committed)
            self._judge_attempts(placed, committed.subject)
            self._note_intent(placed, committed.subject)
            if claim:
                self._judge_claim(placed, claim, held, committed.subject)
            else:
                self._judge_unclaimed(placed, before)

    @property
    def judged_all(self) -> bool:
        """Whether no entity had to be given up."""
        return not self._unjudged

    def finish(self) -> None:
        """Judge balances and unanswered keys, list open intents, and sum up."""
        self._judge_unanswered_keys()
        for entity, placed in self._open_intents.items():
            self._list_intent(placed, entity)
        for currency, difference in self._state.balances.out_of_balance().items():
            reason = f"all accounts together are {difference} {currency}, not zero"
            self._report.find("balance", "ledger", None, reason)
        if not self._incomplete and not self._unjudged:
            self._settled.finish(self._state)
        summary = self._report.summary
        summary.open_intents = len(self._open_intents)
        for (account, currency), balance in self._state.balances.items():
            totals = summary.currencies.setdefault(currency, CurrencyTotals())
            totals.balance += balance
            if account == accounts.FEE_REVENUE:
                totals.fees = -balance
            summary.accounts.append(Account(account, currency, balance))

    # ---- one entry ------------------------------------------------------------------------------------------------

    def _fold_record(self, placed: Placed, *, incomplete: bool) -> None:
        entity = placed.entry.entity
        if entity in self._unjudged:
            return
        if incomplete:
            self._give_up(entity)  # What it posts follows from entries that are missing.
            return
        try:
            committed = self._state.stage(placed.entry)
        except OutOfOrder as error:
            self._refuse(placed, "version", f"version {placed.entry.version}: {error}")
        except ValueError as error:
            self._refuse(placed, "transition", f"{placed.entry.type}: {error}")
        else:
            self._state.publish()
            self._tell(committed)
            if not self._unjudged:  # Else movements may be missing that this follows from.
                self._settled.judge_record(placed, committed.record)

    def _judge_postings(self, placed: Placed) -> bool:
        try:
            require_balanced(placed.entry.postings)
        except UnbalancedPostings as error:
            self._report.find("balance", placed.file, placed.line, str(error))
            return False
        return True

    def _judge_accounts(self, placed: Placed, before: Subject | None, after: Subject) -> None:
        required = required_postings(placed.entry, before, after)
        if sums_by_account(placed.entry.postings) != sums_by_account(required):
            reason = f"{placed.entry.id} posts something else than its data says"
            self._report.find("postings", placed.file, placed.line, reason)

    def _judge_attempts(self, placed: Placed, subject: Subject) -> None:
        live = [a for a in subject.attempts if a.operation == "authorize" and a.outcome in _LIVE]
        if len(live) > 1:
            reason = f"{subject.id} has {len(live)} holds that may live: {_names(live)}"
            self._report.find("live_holds", placed.file, placed.line, reason)
        if len({attempt.id for attempt in subject.attempts}) < len(subject.attempts):
            reason = f"{subject.id} has two attempts with one reference"
            self._report.find("intents", placed.file, placed.line, reason)
        unsettled = [attempt for attempt in subject.attempts if attempt.outcome in _OPEN]
        if subject.pending is None and unsettled:
            reason = f"{subject.id} has no open operation, but no outcome of {_names(unsettled)}"
            self._report.find("intents", placed.file, placed.line, reason)

    def _note_intent(self, placed: Placed, subject: Subject) -> None:
        if subject.pending is None:
            self._open_intents.pop(subject.id, None)
        else:
            self._open_intents[subject.id] = placed

    def _judge_claim(self, placed: Placed, claim: Claim, held: HeldClaim | None, subject: Subject) -> None:
        if claim.merchant_id != subject.merchant_id:
            reason = f"the key is claimed for {claim.merchant_id}, {subject.id} is of {subject.merchant_id}"
            self._report.find("idempotency", placed.file, placed.line, reason)
        path = claim.operation.split("/")
        if subject.id not in path and any(part[:4] in _ID_PREFIXES for part in path):
            reason = f"the key is claimed for {claim.operation} by an entry of {subject.id}"
            self._report.find("idempotency", placed.file, placed.line, reason)
        if claim.status != "claimed":
            self._open_claims.pop(claim.scope, None)
            return
        if held is not None and placed.entry.type.endswith("_started"):
            self._report.find(
                "idempotency",
                placed.file,
                placed.line,
                f"the key of entry {held.claimed_by} is claimed again",
            )
        self._open_claims.setdefault(claim.scope, placed)

    def _judge_unclaimed(self, placed: Placed, before: Subject | None) -> None:
        if (before is None or before.pending is None) and needs_claim(placed.entry):
            reason = f"{placed.entry.type} was asked for, but claims no idempotency key"
            self._report.find("idempotency", placed.file, placed.line, reason)

    def _refuse(
        self, placed: Placed, check: Literal["idempotency", "version", "transition"], reason: str
    ) -> None:
        self._report.find(check, placed.file, placed.line, reason)
        self._give_up(placed.entry.entity)

    def _refuse_move(self, placed: Placed, error: ValueError, *, excused: bool) -> None:
        if excused:
            self._give_up(placed.entry.entity)
        else:
            self._refuse(placed, "transition", f"{placed.entry.type}: {error}")

    def _give_up(self, entity: str) -> None:
        self._unjudged.add(entity)
        self._open_intents.pop(entity, None)

    def _count(self, before: Payment | None, after: Payment | None) -> None:
        if after is None:
            return
        summary = self._report.summary
        totals = summary.currencies.setdefault(after.currency, CurrencyTotals())
        if before is None:
            summary.payments += 1
            totals.payments += 1
        else:
            summary.states[before.state] -= 1
            totals.authorized -= before.amount_authorized
            totals.captured -= before.amount_captured
            totals.refunded -= before.amount_refunded
        summary.states[after.state] = summary.states.get(after.state, 0) + 1
        totals.authorized += after.amount_authorized
        totals.captured += after.amount_captured
        totals.refunded += after.amount_refunded

    # ---- the end --------------------------------------------------------------------------------------------------

    def _judge_unanswered_keys(self) -> None:
        for scope, placed in self._open_claims.items():
            if placed.entry.entity in self._unjudged:
                continue
            subject = self._state.latest(placed.entry.entity)
            pending = subject.pending if subject else None
            if pending is None or pending.claim is None or pending.claim.scope != scope:
                reason = (
                    f"the key claimed by {placed.entry.id} is never answered, and its operation is not open"
                )
                self._report.find("idempotency", placed.file, placed.line, reason)

    def _list_intent(self, placed: Placed, entity: str) -> None:
        subject = self._state.latest(entity)
        if subject is None or subject.pending is None:
            return
        opened = subject.pending.reversal or subject.pending.attempt
        standing = "unknown" if subject.pending.unknown else "pending"
        reason = (
            f"{entity} {subject.state}: {opened.operation} {opened.id} at {opened.provider} is {standing}"
        )
        self._report.note("open_intent", placed.file, placed.line, reason)


def _payment_of(entry: Entry, before: Subject | None) -> str:
    """The payment that an entry changes: its own entity, or the one that a refund or dispute is of."""
    if before is None:
        return str(getattr(entry.data, "payment_id", entry.entity))
    return before.id if isinstance(before, Payment) else before.payment_id


def _cannot_be_judged(entry: Entry, before: Subject | None, payment: Payment | None) -> bool:
    """Whether what is missing is an entry that this one builds on."""
    payment_is_missing = payment is None and hasattr(entry.data, "payment_id")
    return payment_is_missing or entry.version > (before.version if before else 0) + 1


def _names(attempts: list[Attempt]) -> str:
    return ", ".join(attempt.id for attempt in attempts)
