"""What the entries of a payment say: one struct per entry type, and the table that names them.

An *intent* is written before a provider is called and carries the attempt it opens; an *outcome* is written after and
closes it. An outcome that opens the next attempt (failover, automatic capture) carries that attempt as `next`, so that
one command stays one entry and no crash can fall between the two.
"""

from typing import Literal

from msgspec import Struct

AttemptOperation = Literal[
    "authorize",
    "capture",
    "void",
    "expiry",
    "reversal",
    "late_reversal",
    "refund",
    "dispute",
    "evidence",
    "resolution",
]
CaptureMethod = Literal["manual", "automatic"]
NotApproved = Literal["declined", "not_processed"]


class PaymentMethod(Struct, frozen=True, omit_defaults=True):
    """What may be known of a card outside the vault."""

    token: str
    brand: str
    bin: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str


class Decline(Struct, frozen=True, omit_defaults=True):
    """Why a provider said no: PayRail's code, a sentence, and the provider's own word."""

    code: str
    message: str
    provider_code: str | None = None


class Candidate(Struct, frozen=True, omit_defaults=True):
    """A provider as routing saw it: its expected cost in minor units and why it stands where it stands."""

    provider: str
    cost_amount: int
    reason: str


class Routing(Struct, frozen=True, omit_defaults=True):
    """The routing decision: candidates in the order in which they are tried, and those left out with the reason.

    `rule` decided the order, none where costs alone did; `rules_digest` names the rules that were in force.
    """

    candidates: tuple[Candidate, ...]
    excluded: tuple[Candidate, ...] = ()
    rule: str | None = None
    rules_digest: str | None = None


class AttemptOpened(Struct, frozen=True, omit_defaults=True):
    """An intent: this provider is about to be called under the reference `id`. `owner` is the calling process."""

    id: str
    operation: AttemptOperation
    provider: str
    owner: str
    amount: int
    final: bool = False


class PaymentCreated(Struct, frozen=True, omit_defaults=True):
    merchant_id: str
    amount: int
    currency: str
    capture_method: CaptureMethod
    country: str
    payment_method: PaymentMethod
    merchant_reference: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    customer_id: str | None = None


class AuthorizationStarted(Struct, frozen=True, omit_defaults=True):
    attempt: AttemptOpened
    routing: Routing


class AuthorizationRerouted(Struct, frozen=True, omit_defaults=True):
    """The attempt ended without money held, and the next candidate is about to be called."""

    attempt_id: str
    outcome: NotApproved
    next: AttemptOpened
    code: str | None = None
    decline: Decline | None = None
    latency_ms: int | None = None


class AuthorizationApproved(Struct, frozen=True, omit_defaults=True):
    attempt_id: str
    provider_reference: str
    expires_at: str
    latency_ms: int | None = None
    next: AttemptOpened | None = None


class AuthorizationDeclined(Struct, frozen=True, omit_defaults=True):
    attempt_id: str
    decline: Decline
    latency_ms: int | None = None


class AuthorizationFailed(Struct, frozen=True, omit_defaults=True):
    """No provider took the payment: the last attempt was surely not processed."""

    attempt_id: str
    code: str
    latency_ms: int | None = None


class OutcomeUnknown(Struct, frozen=True, omit_defaults=True):
    """The provider was called and nobody knows what it did. Never a decline."""

    attempt_id: str
    code: str
    latency_ms: int | None = None


class ReversalStarted(Struct, frozen=True, omit_defaults=True):
    """The provider does not know the authorization: it is told to reverse it before anyone else is asked.

    `refused` is why the provider refused the reversal before this one: what it said, it says again under the same
    reference, so that another one needs its own.
    """

    attempt_id: str
    reversal: AttemptOpened
    refused: Decline | None = None


class AuthorizationReversed(Struct, frozen=True, omit_defaults=True):
    """The reversal is acknowledged: no hold can live at that provider. With `next`, the next candidate is called."""

    attempt_id: str
    reversal_id: str
    latency_ms: int | None = None
    next: AttemptOpened | None = None


class OperationStarted(Struct, frozen=True, omit_defaults=True):
    """The intent of a capture, a void or an expiry."""

    attempt: AttemptOpened


class FeeParts(Struct, frozen=True, omit_defaults=True):
    """What an interchange++ fee is made of, in minor units."""

    interchange: int
    scheme: int
    markup: int


class Captured(Struct, frozen=True, omit_defaults=True):
    """`merchant_fee` and `provider_fee` are minor units of the payment's currency, posted by the same entry.

    `fee_parts` says what the merchant's fee is made of, where its price plan has parts.
    """

    attempt_id: str
    amount: int
    provider_reference: str
    merchant_fee: int
    provider_fee: int
    final: bool = False
    latency_ms: int | None = None
    fee_parts: FeeParts | None = None


class Canceled(Struct, frozen=True, omit_defaults=True):
    """Without an attempt: the payment was never authorized, so that no provider had to be asked."""

    attempt_id: str | None = None
    provider_reference: str | None = None
    latency_ms: int | None = None


class Expired(Struct, frozen=True, omit_defaults=True):
    """The time of the authorization is over, and its provider released what was left of the hold."""

    attempt_id: str
    provider_reference: str
    latency_ms: int | None = None


class LateReversalStarted(Struct, frozen=True, omit_defaults=True):
    """An authorization was approved after its reversal: the intent to take it back again. `authorization_id` is its
    reference."""

    attempt: AttemptOpened
    authorization_id: str


class LateApprovalVoided(Struct, frozen=True, omit_defaults=True):
    """The provider took back what it had approved late."""

    attempt_id: str
    provider_reference: str
    latency_ms: int | None = None


class OperationDeclined(Struct, frozen=True, omit_defaults=True):
    """The provider refused a capture, a void or an expiry; the payment stands as it stood."""

    attempt_id: str
    decline: Decline
    latency_ms: int | None = None


class OperationNotProcessed(Struct, frozen=True, omit_defaults=True):
    """A capture, void or expiry surely did not reach the provider; its idempotency key is given back."""

    attempt_id: str
    code: str
    latency_ms: int | None = None


class TakenOver(Struct, frozen=True, omit_defaults=True):
    """The process that owned the open attempt died or let go; `owner` finishes it under the same reference."""

    attempt_id: str
    former_owner: str
    owner: str


PAYMENT_EVENTS: dict[str, type[Struct]] = {
    "payment.created": PaymentCreated,
    "payment.authorization_started": AuthorizationStarted,
    "payment.authorization_rerouted": AuthorizationRerouted,
    "payment.authorized": AuthorizationApproved,
    "payment.declined": AuthorizationDeclined,
    "payment.failed": AuthorizationFailed,
    "payment.authorization_unknown": OutcomeUnknown,
    "payment.reversal_started": ReversalStarted,
    "payment.reversed": AuthorizationReversed,
    "payment.capture_started": OperationStarted,
    "payment.captured": Captured,
    "payment.capture_unknown": OutcomeUnknown,
    "payment.capture_declined": OperationDeclined,
    "payment.capture_not_processed": OperationNotProcessed,
    "payment.void_started": OperationStarted,
    "payment.canceled": Canceled,
    "payment.void_unknown": OutcomeUnknown,
    "payment.void_declined": OperationDeclined,
    "payment.void_not_processed": OperationNotProcessed,
    "payment.expiry_started": OperationStarted,
    "payment.expired": Expired,
    "payment.expiry_unknown": OutcomeUnknown,
    "payment.expiry_declined": OperationDeclined,
    "payment.expiry_not_processed": OperationNotProcessed,
    "payment.late_reversal_started": LateReversalStarted,
    "payment.late_approval_voided": LateApprovalVoided,
    "payment.late_reversal_unknown": OutcomeUnknown,
    "payment.late_reversal_declined": OperationDeclined,
    "payment.late_reversal_not_processed": OperationNotProcessed,
    "payment.taken_over": TakenOver,
}
