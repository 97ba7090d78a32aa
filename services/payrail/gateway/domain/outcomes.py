"""The outcome of a provider call is one of three, never two: the provider said so, surely not processed, or unknown."""

from msgspec import Struct

from payrail.ledger.payment_events import AttemptOpened, Decline

#: Declines after which another provider may be asked; every other decline is the issuer's word and stands.
RETRYABLE_DECLINES = frozenset({"generic_decline", "processing_error"})


class Approved(Struct, frozen=True):
    """The provider did it. `provider_fee` is what it charges for it, in minor units of the payment's currency."""

    provider_reference: str
    provider_fee: int = 0
    latency_ms: int | None = None


class Declined(Struct, frozen=True):
    """The provider, or the issuer through it, said no."""

    decline: Decline
    latency_ms: int | None = None

    @property
    def retryable(self) -> bool:
        """Whether another provider may be asked."""
        return self.decline.code in RETRYABLE_DECLINES


class NotProcessed(Struct, frozen=True):
    """The call surely had no effect: it did not arrive, or the provider said that it did nothing."""

    code: str
    latency_ms: int | None = None


class Unknown(Struct, frozen=True):
    """The call may have had its effect. Never a decline, never a reason to charge elsewhere."""

    code: str
    latency_ms: int | None = None


class Accepted(Struct, frozen=True):
    """Refunds only: the provider has taken it up and will say later what came of it. No outcome yet."""

    provider_reference: str
    latency_ms: int | None = None


class NotFound(Struct, frozen=True):
    """Inquiry only: the provider has not seen the reference, so far."""


class Contradicted(Struct, frozen=True):
    """Inquiry only: on record there, but for another amount or currency than was asked for. A hold like that is to be
    taken back; where money moved, a person has to look, and until then nobody knows the outcome."""


class Reversed(Struct, frozen=True):
    """Inquiry only: the authorization with this reference was reversed, or forbidden before it arrived."""


Answer = Approved | Declined | NotProcessed | Unknown
Inquiry = Approved | Declined | NotFound | Reversed | Contradicted | Unknown
RefundAnswer = Approved | Declined | NotProcessed | Unknown | Accepted
RefundInquiry = Approved | Declined | NotFound | Contradicted | Unknown | Accepted

#: What names an amount when it is asked for. All else moves what is there, or nothing.
_NAMING_AMOUNTS = frozenset({"authorize", "capture", "refund", "dispute"})


def is_as_asked(attempt: AttemptOpened, currency: str, told: tuple[int, str | None]) -> bool:
    """Whether what a provider tells of an attempt is of the amount, in minor units, and the currency that were asked
    for. Its word on another one is no word on this one."""
    return attempt.operation not in _NAMING_AMOUNTS or told == (attempt.amount, currency)
