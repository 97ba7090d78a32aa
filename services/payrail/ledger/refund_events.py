"""What the entries of a refund say: one struct per entry type, and the table that names them."""

from msgspec import Struct

from payrail.ledger.payment_events import (
    AttemptOpened,
    Decline,
    OperationNotProcessed,
    OutcomeUnknown,
    TakenOver,
)


class RefundRequested(Struct, frozen=True, omit_defaults=True):
    """A refund waits for its approval; its amount is reserved. `provider` captured the money and gives it back."""

    merchant_id: str
    payment_id: str
    amount: int
    currency: str
    reason: str
    provider: str


class RefundApproved(Struct, frozen=True, omit_defaults=True):
    """Approved by another user, and the intent to execute it: one command, so that no crash falls between."""

    attempt: AttemptOpened


class RefundExecutionStarted(Struct, frozen=True, omit_defaults=True):
    """The intent to execute again what was approved and then surely not processed, under a new reference."""

    attempt: AttemptOpened


class RefundRejected(Struct, frozen=True, omit_defaults=True):
    """Refused by another user; what was reserved is free again."""


class RefundAccepted(Struct, frozen=True, omit_defaults=True):
    """The provider has taken the refund up and will say later what came of it."""

    attempt_id: str
    provider_reference: str
    latency_ms: int | None = None


class RefundSucceeded(Struct, frozen=True, omit_defaults=True):
    attempt_id: str
    provider_reference: str
    latency_ms: int | None = None


class RefundFailed(Struct, frozen=True, omit_defaults=True):
    """The provider refused it, or could not bring the money back after it had said that it did."""

    attempt_id: str
    failure: Decline
    latency_ms: int | None = None


REFUND_EVENTS: dict[str, type[Struct]] = {
    "refund.requested": RefundRequested,
    "refund.approved": RefundApproved,
    "refund.execution_started": RefundExecutionStarted,
    "refund.rejected": RefundRejected,
    "refund.accepted": RefundAccepted,
    "refund.succeeded": RefundSucceeded,
    "refund.failed": RefundFailed,
    "refund.unknown": OutcomeUnknown,
    "refund.not_processed": OperationNotProcessed,
    "refund.taken_over": TakenOver,
}
