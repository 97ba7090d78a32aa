"""News from a provider, as its webhook brings it: which operation, and what became of it."""

from typing import Any, ClassVar, Literal

from msgspec import Struct

from payrail.gateway.domain.errors import Refusal
from payrail.gateway.domain.outcomes import Accepted, Approved, Declined, Reversed, Unknown

NoticeResult = Literal["applied", "known", "unmatched"]


class SignatureInvalid(Refusal):
    """Nobody who has the provider's secret signed the message."""

    code = "signature_invalid"
    headers: ClassVar = {"WWW-Authenticate": "Webhook-Signature"}

    def __init__(self) -> None:
        super().__init__("No signature of the message is the provider's.")


class WebhookStale(Refusal):
    """The message was signed too long ago, or ahead: it may be a copy of an old one."""

    code = "webhook_stale"
    headers: ClassVar = {"WWW-Authenticate": "Webhook-Signature"}

    def __init__(self) -> None:
        super().__init__("The message was signed more than five minutes ago, or ahead of the time.")


class Notice(Struct, frozen=True):
    """What a webhook says of the operation `reference`. Amounts are minor units of the currency, which is none where
    nothing moves.

    `said` is the outcome for whoever began the operation, `said_of_refund` the same read as that of a refund, which may
    be taken up for later and may fail after it was approved.
    """

    webhook_id: str
    provider: str
    type: str
    operation: str
    reference: str
    original_reference: str | None
    amount: int
    currency: str | None
    said: Approved | Declined | Reversed | Unknown
    said_of_refund: Approved | Declined | Accepted | Unknown
    reason: str | None = None
    #: The provider's own account of the operation, to be shown as it came.
    account: dict[str, Any] = {}


class UnmatchedNotice(Struct, frozen=True, omit_defaults=True):
    """A notice about a reference that the ledger does not have of this provider, of another amount or currency than it
    was asked for, or of a dispute that cannot be.

    `received_at` is RFC 3339 UTC.
    """

    webhook_id: str
    provider: str
    received_at: str
    type: str
    data: dict[str, Any]
    correlation_id: str
