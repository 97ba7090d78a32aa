"""What the entries of a dispute say: one struct per entry type, and the table that names them."""

from typing import Literal

from msgspec import Struct

from payrail.ledger.payment_events import (
    AttemptOpened,
    OperationDeclined,
    OperationNotProcessed,
    OutcomeUnknown,
    TakenOver,
)

DisputeOutcome = Literal["WON", "LOST"]


class DisputeTerms(Struct, frozen=True, omit_defaults=True):
    """What is disputed. `reference` names the dispute to the provider that captured the money."""

    merchant_id: str
    payment_id: str
    amount: int
    currency: str
    reason: str
    provider: str
    reference: str


class DisputeOpeningStarted(Struct, frozen=True, omit_defaults=True):
    """The intent to open a dispute at the provider."""

    terms: DisputeTerms
    attempt: AttemptOpened

    @property
    def payment_id(self) -> str:
        return self.terms.payment_id


class DisputeOpened(Struct, frozen=True, omit_defaults=True):
    """The provider confirmed it, or, with `terms`, opened it by itself. Money and fees leave by this entry.

    `merchant_fee` and `provider_fee` are minor units of the payment's currency; `respond_by` is RFC 3339 UTC.
    """

    provider_reference: str
    merchant_fee: int
    provider_fee: int
    respond_by: str
    attempt_id: str | None = None
    terms: DisputeTerms | None = None
    latency_ms: int | None = None

    @property
    def payment_id(self) -> str | None:
        return self.terms.payment_id if self.terms else None


class EvidenceStarted(Struct, frozen=True, omit_defaults=True):
    """The intent to submit evidence."""

    attempt: AttemptOpened
    kind: str
    text: str


class EvidenceSubmitted(Struct, frozen=True, omit_defaults=True):
    attempt_id: str
    latency_ms: int | None = None


class ResolutionStarted(Struct, frozen=True, omit_defaults=True):
    """The intent to end the dispute; by the resolver when its deadline passed without evidence."""

    attempt: AttemptOpened
    outcome: DisputeOutcome


class DisputeWon(Struct, frozen=True, omit_defaults=True):
    """The money comes back; the fees do not."""

    attempt_id: str
    latency_ms: int | None = None


class DisputeLost(Struct, frozen=True, omit_defaults=True):
    attempt_id: str
    latency_ms: int | None = None


DISPUTE_EVENTS: dict[str, type[Struct]] = {
    "dispute.opening_started": DisputeOpeningStarted,
    "dispute.opened": DisputeOpened,
    "dispute.evidence_started": EvidenceStarted,
    "dispute.evidence_submitted": EvidenceSubmitted,
    "dispute.resolution_started": ResolutionStarted,
    "dispute.won": DisputeWon,
    "dispute.lost": DisputeLost,
    "dispute.unknown": OutcomeUnknown,
    "dispute.declined": OperationDeclined,
    "dispute.not_processed": OperationNotProcessed,
    "dispute.taken_over": TakenOver,
}
