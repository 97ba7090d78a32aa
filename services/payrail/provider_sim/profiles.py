"""What makes one simulated provider differ from the other: its words, its decline codes, its prices, its approval rate.

`PROFILES` holds both. A profile is data and arithmetic; it knows nothing of requests, files or time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

BASIS_POINTS = 10_000


class Operation(StrEnum):
    """What a caller may ask of a provider; the inquiry only reads."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    REFUND = "refund"
    REVERSE = "reverse"
    DISPUTE = "dispute"
    EVIDENCE = "dispute_evidence"
    RESOLVE = "dispute_resolve"
    INQUIRY = "inquiry"


class Outcome(StrEnum):
    """How an operation stands, in words that both providers share."""

    APPROVED = "approved"
    DECLINED = "declined"
    REVERSED = "reversed"
    PENDING = "pending"
    FAILED = "failed"


class DeclineReason(StrEnum):
    """Why a provider said no, in words that both providers share."""

    GENERIC_DECLINE = "generic_decline"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST_CARD = "lost_card"
    STOLEN_CARD = "stolen_card"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    PROCESSING_ERROR = "processing_error"
    REVERSED = "reversed"


@dataclass(frozen=True)
class ProviderCode:
    """A provider's own code for a decline and the text it sends with it."""

    code: str
    message: str


@dataclass(frozen=True)
class Price:
    """A part of the amount plus a fixed sum in minor units, which the price list names per currency."""

    basis_points: int
    fixed_minor: Mapping[str, int]
    fixed_minor_elsewhere: int

    def of(self, amount: int, currency: str) -> int:
        """The price of one capture in minor units; the part of the amount is rounded half up."""
        part = (amount * self.basis_points + BASIS_POINTS // 2) // BASIS_POINTS
        return part + self.fixed(currency)

    def fixed(self, currency: str) -> int:
        """The fixed part of it."""
        return self.fixed_minor.get(currency, self.fixed_minor_elsewhere)


@dataclass(frozen=True)
class Profile:
    """One provider. ``words`` has a status word for every (operation, outcome) that can occur."""

    id: str
    manners: str
    approval_basis_points: int
    words: Mapping[tuple[str, str], str]
    codes: Mapping[DeclineReason, ProviderCode]
    price: Price
    dispute_price: Price
    interchange_basis_points: Mapping[str, int]  # By the card's first digit; "*" for every other card.
    reference_prefixes: Mapping[str, str]
    events: Mapping[str, str]

    def fee(self, amount: int, currency: str, card_bin: str) -> int:
        """What this provider keeps of one capture, in minor units of the captured currency."""
        return sum(self.fee_parts(amount, currency, card_bin))

    def fee_parts(self, amount: int, currency: str, card_bin: str) -> tuple[int, int, int]:
        """The fee of one capture by who gets it: the card's issuer, the card's scheme, the provider itself."""
        interchange = (amount * self._interchange(card_bin) + BASIS_POINTS // 2) // BASIS_POINTS
        fixed = self.price.fixed(currency)
        return interchange, self.price.of(amount, currency) - fixed, fixed

    def dispute_fee(self, amount: int, currency: str) -> int:
        """What this provider takes for a dispute when it is opened, in minor units; it keeps it, however that ends."""
        return self.dispute_price.of(amount, currency)

    def list_price(self) -> tuple[int, int]:
        """What the price list says of a Visa card: minor units per capture, and basis points of its amount."""
        return self.price.fixed_minor_elsewhere, self.price.basis_points + self._interchange("4")

    def _interchange(self, card_bin: str) -> int:
        return self.interchange_basis_points.get(card_bin[:1], self.interchange_basis_points["*"])


_PROVIDER_A = Profile(
    id="providerA",
    manners="stripe_like",
    approval_basis_points=9_500,
    words={
        (Operation.AUTHORIZE, Outcome.APPROVED): "requires_capture",
        (Operation.AUTHORIZE, Outcome.DECLINED): "requires_payment_method",
        (Operation.AUTHORIZE, Outcome.REVERSED): "canceled",
        (Operation.CAPTURE, Outcome.APPROVED): "succeeded",
        (Operation.CAPTURE, Outcome.DECLINED): "failed",
        (Operation.REFUND, Outcome.APPROVED): "succeeded",
        (Operation.REFUND, Outcome.DECLINED): "failed",
        (Operation.REFUND, Outcome.PENDING): "pending",
        (Operation.REFUND, Outcome.FAILED): "failed",
        (Operation.REVERSE, Outcome.APPROVED): "canceled",
        (Operation.REVERSE, Outcome.DECLINED): "failed",
        (Operation.DISPUTE, Outcome.APPROVED): "needs_response",
        (Operation.DISPUTE, Outcome.DECLINED): "failed",
        (Operation.EVIDENCE, Outcome.APPROVED): "under_review",
        (Operation.EVIDENCE, Outcome.DECLINED): "failed",
        (Operation.RESOLVE, Outcome.APPROVED): "closed",
        (Operation.RESOLVE, Outcome.DECLINED): "failed",
    },
    codes={
        DeclineReason.GENERIC_DECLINE: ProviderCode("card_declined", "The card was declined."),
        DeclineReason.INSUFFICIENT_FUNDS: ProviderCode("insufficient_funds", "The account lacks the money."),
        DeclineReason.LOST_CARD: ProviderCode("lost_card", "The card was reported lost."),
        DeclineReason.STOLEN_CARD: ProviderCode("stolen_card", "The card was reported stolen."),
        DeclineReason.EXPIRED_CARD: ProviderCode("expired_card", "The card is past its expiry date."),
        DeclineReason.INCORRECT_CVC: ProviderCode("incorrect_cvc", "The security code does not match."),
        DeclineReason.PROCESSING_ERROR: ProviderCode("processing_error", "The card could not be processed."),
        DeclineReason.REVERSED: ProviderCode(
            "payment_canceled", "The authorization was reversed before it came."
        ),
    },
    dispute_price=Price(0, {"JPY": 1_500, "KWD": 4_500, "BHD": 5_600}, 1_500),
    # A blended price: 2.9 % plus 30 cents, whatever the card.
    price=Price(290, {"EUR": 25, "GBP": 20, "JPY": 45, "KWD": 90, "BHD": 110}, 30),
    interchange_basis_points={"*": 0},
    reference_prefixes={
        Operation.AUTHORIZE: "pi_3",
        Operation.CAPTURE: "ch_3",
        Operation.REFUND: "re_3",
        Operation.REVERSE: "pv_3",
        Operation.DISPUTE: "dp_3",
        Operation.EVIDENCE: "de_3",
        Operation.RESOLVE: "dr_3",
    },
    events={
        Operation.AUTHORIZE: "payment_intent.updated",
        Operation.CAPTURE: "charge.captured",
        Operation.REFUND: "charge.refund.updated",
        Operation.REVERSE: "payment_intent.canceled",
        Operation.DISPUTE: "charge.dispute.created",
        Operation.EVIDENCE: "charge.dispute.updated",
        Operation.RESOLVE: "charge.dispute.closed",
    },
)

_PROVIDER_B = Profile(
    id="providerB",
    manners="adyen_like",
    approval_basis_points=9_000,
    words={
        (Operation.AUTHORIZE, Outcome.APPROVED): "Authorised",
        (Operation.AUTHORIZE, Outcome.DECLINED): "Refused",
        (Operation.AUTHORIZE, Outcome.REVERSED): "Cancelled",
        (Operation.CAPTURE, Outcome.APPROVED): "Captured",
        (Operation.CAPTURE, Outcome.DECLINED): "CaptureFailed",
        (Operation.REFUND, Outcome.APPROVED): "Refunded",
        (Operation.REFUND, Outcome.DECLINED): "RefundFailed",
        (Operation.REFUND, Outcome.PENDING): "Received",
        (Operation.REFUND, Outcome.FAILED): "RefundFailed",
        (Operation.REVERSE, Outcome.APPROVED): "Cancelled",
        (Operation.REVERSE, Outcome.DECLINED): "CancelFailed",
        (Operation.DISPUTE, Outcome.APPROVED): "NotificationOfChargeback",
        (Operation.DISPUTE, Outcome.DECLINED): "ChargebackRefused",
        (Operation.EVIDENCE, Outcome.APPROVED): "DefenseSubmitted",
        (Operation.EVIDENCE, Outcome.DECLINED): "DefenseRefused",
        (Operation.RESOLVE, Outcome.APPROVED): "DisputeClosed",
        (Operation.RESOLVE, Outcome.DECLINED): "DisputeClosingFailed",
    },
    codes={
        DeclineReason.GENERIC_DECLINE: ProviderCode("2", "Refused"),
        DeclineReason.INSUFFICIENT_FUNDS: ProviderCode("12", "Not enough balance"),
        DeclineReason.LOST_CARD: ProviderCode("5", "Blocked card"),
        DeclineReason.STOLEN_CARD: ProviderCode("31", "Issuer suspects fraud"),
        DeclineReason.EXPIRED_CARD: ProviderCode("6", "Expired card"),
        DeclineReason.INCORRECT_CVC: ProviderCode("24", "CVC declined"),
        DeclineReason.PROCESSING_ERROR: ProviderCode("4", "Acquirer error"),
        DeclineReason.REVERSED: ProviderCode("15", "Cancelled"),
    },
    dispute_price=Price(0, {"EUR": 750, "GBP": 700, "JPY": 1_200, "KWD": 2_500, "BHD": 3_000}, 800),
    # Interchange by the card's scheme is passed on, plus 0.14 % scheme fee and 12 cents for the acquirer.
    price=Price(14, {"EUR": 11, "GBP": 10, "JPY": 18, "KWD": 36, "BHD": 45}, 12),
    interchange_basis_points={"3": 240, "4": 165, "5": 170, "2": 170, "*": 200},
    reference_prefixes={
        Operation.AUTHORIZE: "",
        Operation.CAPTURE: "",
        Operation.REFUND: "",
        Operation.REVERSE: "",
        Operation.DISPUTE: "",
        Operation.EVIDENCE: "",
        Operation.RESOLVE: "",
    },
    events={
        Operation.AUTHORIZE: "AUTHORISATION",
        Operation.CAPTURE: "CAPTURE",
        Operation.REFUND: "REFUND",
        Operation.REVERSE: "CANCELLATION",
        Operation.DISPUTE: "CHARGEBACK",
        Operation.EVIDENCE: "INFORMATION_SUPPLIED",
        Operation.RESOLVE: "DISPUTE_CLOSED",
    },
)

PROFILES: Mapping[str, Profile] = {profile.id: profile for profile in (_PROVIDER_A, _PROVIDER_B)}
