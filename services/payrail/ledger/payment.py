"""A payment: what is known of it, and what follows from that. `payment_fold` makes it of its entries."""

from msgspec import Struct

from payrail.ledger.attempts import Attempt, Pending
from payrail.ledger.payment_events import Decline, PaymentMethod
from payrail.ledger.payment_states import State

#: The states in which a part of the hold may be left to capture.
_HOLDING = frozenset({"AUTHORIZED", "PARTIALLY_CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED"})


class Payment(Struct, frozen=True):
    """A payment as of its entry `version`. Amounts are minor units of `currency`.

    Entries of its refunds and disputes change what is shown of it as well: `revision` counts all of them, and `seq` is
    the newest one's.
    """

    id: str
    merchant_id: str
    state: State
    amount: int
    currency: str
    capture_method: str
    country: str
    payment_method: PaymentMethod
    merchant_reference: str | None
    description: str | None
    metadata: dict[str, str]
    customer_id: str | None
    created_at: str
    updated_at: str
    version: int
    revision: int = 1
    seq: int = 0
    amount_authorized: int = 0
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_reserved: int = 0
    amount_disputed: int = 0
    open_disputes: int = 0
    rest_released: bool = False
    provider: str | None = None
    provider_reference: str | None = None
    authorization_id: str | None = None
    decline: Decline | None = None
    attempts: tuple[Attempt, ...] = ()
    expires_at: str | None = None
    candidates: tuple[str, ...] = ()
    pending: Pending | None = None

    @property
    def amount_capturable(self) -> int:
        """What is authorized, not captured yet and not released; a refund of what was captured does not change it."""
        if self.rest_released or self.state not in _HOLDING:
            return 0
        return self.amount_authorized - self.amount_captured

    @property
    def amount_returnable(self) -> int:
        """Captured money that no refund or dispute has taken; below zero where a provider's dispute took more."""
        taken = self.amount_refunded + self.amount_reserved + self.amount_disputed
        return self.amount_captured - taken

    @property
    def amount_refundable(self) -> int:
        """What a refund may be requested of."""
        return max(0, self.amount_returnable)

    def reversed_authorization(self, attempt_id: str) -> Attempt | None:
        """The authorization attempt with this id, if it was taken back; none otherwise."""
        for attempt in self.attempts:
            if (
                attempt.id == attempt_id
                and attempt.operation == "authorize"
                and attempt.outcome == "reversed"
            ):
                return attempt
        return None

    @property
    def untried_candidates(self) -> tuple[str, ...]:
        """The providers of the routing decision that have not been asked yet; each is asked at most once."""
        tried = {attempt.provider for attempt in self.attempts if attempt.operation == "authorize"}
        return tuple(provider for provider in self.candidates if provider not in tried)
