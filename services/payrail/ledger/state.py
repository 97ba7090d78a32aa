"""The ledger's state: all folds together, in two layers.

Entries that are decided but not durable yet are *staged*: later decisions of the same batch see them, readers do not.
`publish` makes them visible once they are on disk, `discard` forgets them when the disk refused. States are immutable,
so both are a matter of two dictionaries.
"""

from msgspec import Struct

from payrail.ledger.balances import Balances
from payrail.ledger.claims import HeldClaim, Scope, evolve_claim
from payrail.ledger.entry import Entry
from payrail.ledger.payment import Payment, evolve


class Committed(Struct, frozen=True):
    """An entry, and the payment it belongs to as it was right after it."""

    entry: Entry
    payment: Payment


class OutOfOrder(ValueError):
    """An entry's version is not the next one of its entity."""

    code = "version_gap"


class LedgerState:
    """What readers see (`payments`, `claims`, …) and what deciders see (`latest_payment`, `latest_claim`).

    `claims_changed` collects the keys that changed; whoever follows them takes them out.
    """

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.claims: dict[Scope, HeldClaim] = {}
        self.claims_changed: set[Scope] = set()
        self.payments_of: dict[str, list[str]] = {}
        self.open_payments: dict[str, None] = {}
        self.balances = Balances()
        self._staged_payments: dict[str, Payment] = {}
        self._staged_claims: dict[Scope, HeldClaim | None] = {}
        self._staged: list[Entry] = []

    def latest_payment(self, payment_id: str) -> Payment | None:
        """The payment including what is decided but not durable: for decisions under the journal's lock only."""
        staged = self._staged_payments.get(payment_id)
        return staged if staged is not None else self.payments.get(payment_id)

    def latest_claim(self, scope: Scope) -> HeldClaim | None:
        """The idempotency key including what is decided but not durable."""
        if scope in self._staged_claims:
            return self._staged_claims[scope]
        return self.claims.get(scope)

    def stage(self, entry: Entry) -> Committed:
        """Fold a decided entry. Raises what the folds raise; the state is then as before."""
        before = self.latest_payment(entry.entity)
        if entry.version != (before.version if before else 0) + 1:
            raise OutOfOrder(f"{entry.entity} expects version {(before.version if before else 0) + 1}")
        payment = evolve(before, entry)
        if entry.idempotency is not None:
            scope = entry.idempotency.scope
            self._staged_claims[scope] = evolve_claim(self.latest_claim(scope), entry, entry.idempotency)
        self._staged_payments[entry.entity] = payment
        self._staged.append(entry)
        return Committed(entry, payment)

    def publish(self) -> None:
        """The staged entries are durable: show them to readers."""
        for entry in self._staged:
            if entry.version == 1:
                merchant_id = self._staged_payments[entry.entity].merchant_id
                self.payments_of.setdefault(merchant_id, []).append(entry.entity)
            self.balances.post(entry.postings)
        for payment in self._staged_payments.values():
            if payment.pending is None:
                self.open_payments.pop(payment.id, None)
            else:
                self.open_payments[payment.id] = None
        self.payments.update(self._staged_payments)
        self.claims_changed.update(self._staged_claims)
        for scope, held in self._staged_claims.items():
            if held is None:
                self.claims.pop(scope, None)
            else:
                self.claims[scope] = held
        self.discard()

    def discard(self) -> None:
        """Forget the staged entries: they were never written."""
        self._staged.clear()
        self._staged_payments.clear()
        self._staged_claims.clear()
