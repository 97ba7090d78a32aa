"""A merchant's people, their cards, two failing providers and the clock, in an order drawn from a seed."""

import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from payrail.ledger.payment_states import PAYMENT_TRANSITIONS
from payrail.testing import Cards, PayRailStack
from payrail.testing.cards import Named
from payrail_sdk import ApiError, InvalidTransition
from payrail_sdk.gateway.models import FailureMode, FailureOperation

CURRENCIES = ("EUR", "JPY", "KWD")
CARDS = sorted(name for name, card in vars(Cards).items() if isinstance(card, Named))
OF_CALLS: tuple[FailureMode, ...] = ("error", "timeout", "lost_response", "decline")
OF_WEBHOOKS: tuple[FailureMode, ...] = (
    "duplicate_webhook",
    "reordered_webhook",
    "dropped_webhook",
    "bad_signature",
)
MOVES_S = (1, 30, 61, 3600, 86_400, 3 * 86_400, 8 * 86_400)
#: How often each step is taken, of 100.
WEIGHTS = {
    "create": 20, "authorize": 13, "capture": 15, "cancel": 5, "request_refund": 10, "decide_refund": 10,
    "open_dispute": 4, "submit_evidence": 4, "resolve_dispute": 5, "fail": 7, "recover": 2, "move_clock": 5,
}  # fmt: skip
_BOTH_STATES = re.compile(r"in state [A-Z_]+ cannot become [A-Z_]+")


class RandomWalk:
    """Takes steps, and fails at the first answer that must not be."""

    def __init__(self, stack: PayRailStack, seed: int) -> None:
        self.stack = stack
        self.refused: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._operator, self._approver = stack.client, stack.as_("approver", user="ben")
        self._payments: list[str] = []
        self._refunds: list[str] = []
        self._disputes: list[str] = []

    def walk(self, steps: int) -> None:
        """Take so many steps; every payment moves along the transitions that there are."""
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        self.create()
        for step in self._rng.choices(names, weights, k=steps):
            payment_id = self._rng.choice(self._payments[-6:])
            before = self._operator.payments.get(payment_id).state
            getattr(self, step)(payment_id) if step in _OF_PAYMENTS else getattr(self, step)()
            after = self._operator.payments.get(payment_id).state
            assert after == before or after in _reachable(before), (step, before, after)

    def settle(self) -> None:
        """End all failures, and wait until nothing is open any more."""
        self.stack.providers.clear()
        for _ in range(8):
            self.stack.clock.advance(minutes=20)

    # ---- steps ------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        card = self._rng.choice(["approved"] * len(CARDS) + CARDS)
        payment = self._operator.payments.create(
            amount=self._rng.choice([100, 999, 1000]),
            currency=self._rng.choice(CURRENCIES),
            payment_method=getattr(self.stack.cards, card),
            capture_method=self._rng.choice(["manual", "manual", "automatic"]),
            merchant_reference=f"walk-{len(self._payments)}",  # Providers decide by it, so that a seed is one walk.
        )
        self._payments.append(payment.id)
        if self._rng.random() < 0.7:
            self.authorize(payment.id)

    def authorize(self, payment_id: str) -> None:
        self._do(self._operator.payments.authorize, payment_id)

    def capture(self, payment_id: str) -> None:
        amount, final = self._rng.choice([None, 50, 400]), self._rng.random() < 0.2
        self._do(self._operator.payments.capture, payment_id, amount=amount, final=final)

    def cancel(self, payment_id: str) -> None:
        self._do(self._operator.payments.cancel, payment_id)

    def request_refund(self, payment_id: str) -> None:
        amount = self._rng.choice([None, 30, 100])
        refund = self._do(self._operator.refunds.request, payment_id=payment_id, amount=amount, reason="walk")
        self._refunds += [refund.id] if refund else []

    def decide_refund(self) -> None:
        refunds = self._approver.refunds
        decide = self._rng.choice([refunds.approve] * 4 + [refunds.reject])
        if self._refunds:
            self._do(decide, self._rng.choice(self._refunds[-6:]))

    def open_dispute(self, payment_id: str) -> None:
        amount = self._rng.choice([None, 20])
        dispute = self._do(
            self._operator.disputes.open, payment_id=payment_id, amount=amount, reason="fraudulent"
        )
        self._disputes += [dispute.id] if dispute else []

    def submit_evidence(self) -> None:
        if self._disputes:
            dispute_id = self._rng.choice(self._disputes[-4:])
            self._do(self._operator.disputes.submit_evidence, dispute_id, kind="receipt", text="signed")

    def resolve_dispute(self) -> None:
        if self._disputes:
            dispute_id, outcome = self._rng.choice(self._disputes[-4:]), self._rng.choice(["WON", "LOST"])
            self._do(self._operator.disputes.resolve, dispute_id, outcome=outcome)

    def fail(self) -> None:
        provider = self._rng.choice([self.stack.providers.a, self.stack.providers.b])
        mode = self._rng.choice(OF_CALLS + OF_WEBHOOKS)
        operations: list[FailureOperation | None] = [None, "authorize", "capture", "refund", "reverse"]
        operations += ["inquiry"] if mode in OF_CALLS[:3] else []
        provider.fail(
            mode, operation=self._rng.choice(operations), remaining=self._rng.randint(1, 3),
            rate=self._rng.choice([0.5, 1.0]),
        )  # fmt: skip

    def recover(self) -> None:
        self.stack.providers.clear()

    def move_clock(self) -> None:
        self.stack.clock.advance(seconds=self._rng.choice(MOVES_S))

    def _do(self, call: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """What the call answers; None when the gateway rightly refuses it."""
        try:
            return call(*args, **fields)
        except ApiError as error:
            names_both = not isinstance(error, InvalidTransition) or _BOTH_STATES.search(str(error.detail))
            if error.status not in (409, 422, 503) or not names_both:
                raise
            self.refused[error.code or "none"] += 1
            return None


_OF_PAYMENTS = ("authorize", "capture", "cancel", "request_refund", "open_dispute")


def _reachable(state: str) -> set[str]:
    """All that a payment in this state may become, now or later."""
    found: set[str] = set()
    waiting = [state]
    while waiting:
        following = set(PAYMENT_TRANSITIONS[waiting.pop()]) - found  # type: ignore[index]
        found |= following
        waiting += following
    return found
