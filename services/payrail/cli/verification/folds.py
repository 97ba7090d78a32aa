"""What the entries, one after the other, make of payments, keys, intents and balances, and where one may not follow.

An entity whose fold broke, or of which an entry could not be read, is not judged any further: everything that follows
would only repeat the first finding.
"""

from typing import Literal

from payrail.cli.verification.chain import Placed
from payrail.cli.verification.findings import Account, CurrencyTotals, Report
from payrail.cli.verification.packed_state import PackedState
from payrail.ledger import accounts
from payrail.ledger.claims import ClaimConflict, HeldClaim, Scope
from payrail.ledger.entry import Claim
from payrail.ledger.payment import Attempt, Payment
from payrail.ledger.postings import UnbalancedPostings, require_balanced
from payrail.ledger.state import OutOfOrder

_LIVE = ("pending", "unknown", "approved")
_OPEN = ("pending", "unknown")


class Folds:
    """Folds entries in sequence; `finish` judges what is still open at the end."""

    def __init__(self, report: Report, state: PackedState | None = None) -> None:
        self._report = report
        self._state = state or PackedState()
        self._unjudged: set[str] = set()
        self._open_claims: dict[Scope, Placed] = {}
        self._open_intents: dict[str, Placed] = {}

    def fold(self, placed: Placed, *, incomplete: bool) -> None:
        """Take one entry in. `incomplete` says that an entry before it is missing or could not be read."""
        self._report.summary.entries += 1
        self._judge_postings(placed)
        entity = placed.entry.entity
        if entity in self._unjudged:
            return
        before = self._state.latest_payment(entity)
        if incomplete and placed.entry.version > (before.version if before else 0) + 1:
            self._give_up(entity)
            return
        claim = placed.entry.idempotency
        held = self._state.latest_claim(claim.scope) if claim else None
        try:
            after = self._state.stage(placed.entry).payment
        except ClaimConflict as error:
            self._refuse(placed, "idempotency", str(error))
        except OutOfOrder as error:
            self._refuse(placed, "version", f"version {placed.entry.version}: {error}")
        except ValueError as error:
            self._refuse(placed, "transition", f"{placed.entry.type}: {error}")
        else:
            self._state.publish()
            self._count(before, after)
            self._judge_attempts(placed, after)
            self._note_intent(placed, after)
            if claim:
                self._judge_claim(placed, claim, held, after)

    def finish(self) -> None:
        """Judge balances and unanswered keys, list open intents, and sum up."""
        self._judge_unanswered_keys()
        for payment_id, placed in self._open_intents.items():
            self._list_intent(placed, payment_id)
        for currency, difference in self._state.balances.out_of_balance().items():
            reason = f"all accounts together are {difference} {currency}, not zero"
            self._report.find("balance", "ledger", None, reason)
        summary = self._report.summary
        summary.open_intents = len(self._open_intents)
        for (account, currency), balance in self._state.balances.items():
            totals = summary.currencies.setdefault(currency, CurrencyTotals())
            totals.balance += balance
            if account == accounts.FEE_REVENUE:
                totals.fees = -balance
            summary.accounts.append(Account(account, currency, balance))

    # ---- one entry ------------------------------------------------------------------------------------------------

    def _judge_postings(self, placed: Placed) -> None:
        try:
            require_balanced(placed.entry.postings)
        except UnbalancedPostings as error:
            self._report.find("balance", placed.file, placed.line, str(error))

    def _judge_attempts(self, placed: Placed, payment: Payment) -> None:
        live = [a for a in payment.attempts if a.operation == "authorize" and a.outcome in _LIVE]
        if len(live) > 1:
            reason = f"{payment.id} has {len(live)} holds that may live: {_names(live)}"
            self._report.find("live_holds", placed.file, placed.line, reason)
        if len({attempt.id for attempt in payment.attempts}) < len(payment.attempts):
            reason = f"{payment.id} has two attempts with one reference"
            self._report.find("intents", placed.file, placed.line, reason)
        unsettled = [attempt for attempt in payment.attempts if attempt.outcome in _OPEN]
        if payment.pending is None and unsettled:
            reason = f"{payment.id} has no open operation, but no outcome of {_names(unsettled)}"
            self._report.find("intents", placed.file, placed.line, reason)

    def _note_intent(self, placed: Placed, payment: Payment) -> None:
        if payment.pending is None:
            self._open_intents.pop(payment.id, None)
        else:
            self._open_intents[payment.id] = placed

    def _judge_claim(self, placed: Placed, claim: Claim, held: HeldClaim | None, payment: Payment) -> None:
        if claim.merchant_id != payment.merchant_id:
            reason = f"the key is claimed for {claim.merchant_id}, {payment.id} is of {payment.merchant_id}"
            self._report.find("idempotency", placed.file, placed.line, reason)
        path = claim.operation.split("/")
        if payment.id not in path and any(part.startswith("pay_") for part in path):
            reason = f"the key is claimed for {claim.operation} by an entry of {payment.id}"
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

    def _refuse(
        self, placed: Placed, check: Literal["idempotency", "version", "transition"], reason: str
    ) -> None:
        self._report.find(check, placed.file, placed.line, reason)
        self._give_up(placed.entry.entity)

    def _give_up(self, entity: str) -> None:
        self._unjudged.add(entity)
        self._open_intents.pop(entity, None)

    def _count(self, before: Payment | None, after: Payment) -> None:
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
            payment = self._state.latest_payment(placed.entry.entity)
            pending = payment.pending if payment else None
            if pending is None or pending.claim is None or pending.claim.scope != scope:
                reason = (
                    f"the key claimed by {placed.entry.id} is never answered, and its operation is not open"
                )
                self._report.find("idempotency", placed.file, placed.line, reason)

    def _list_intent(self, placed: Placed, payment_id: str) -> None:
        payment = self._state.latest_payment(payment_id)
        if payment is None or payment.pending is None:
            return
        opened = payment.pending.reversal or payment.pending.attempt
        standing = "unknown" if payment.pending.unknown else "pending"
        reason = (
            f"{payment_id} {payment.state}: {opened.operation} {opened.id} at {opened.provider} is {standing}"
        )
        self._report.note("open_intent", placed.file, placed.line, reason)


def _names(attempts: list[Attempt]) -> str:
    return ", ".join(attempt.id for attempt in attempts)
