"""What the gateway refuses. Each refusal has a stable code; `http/problems.py` maps them to statuses."""

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):
    """The command is understood and not done; nothing was appended and no idempotency key is claimed."""

    code = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class PaymentNotFound(Refusal):
    """No such payment, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No payment with this id.")


class RefundNotFound(Refusal):
    """No such refund, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No refund with this id.")


class DisputeNotFound(Refusal):
    """No such dispute, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No dispute with this id.")


class EventNotFound(Refusal):
    """No such event, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No event with this id.")


class SettlementNotFound(Refusal):
    """The day was never settled, or nothing of it is the merchant's."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No settlement of this day.")


class ReconciliationNotFound(Refusal):
    """The day was never reconciled, or has no such break of the merchant."""

    code = "not_found"


class BreakTransitionInvalid(Refusal):
    """A break cannot go from the state it is in to the one that is asked for."""

    code = "invalid_transition"


class FutureDay(Refusal):
    """The day has not begun."""

    code = "future_date"

    def __init__(self, date: str) -> None:
        super().__init__(f"{date} has not begun: there is nothing of it yet.")


class DisputeOpen(Refusal):
    """A dispute of the payment is open: what it ends in decides whether there is anything to refund."""

    code = "dispute_open"

    def __init__(self) -> None:
        super().__init__("A dispute of this payment is open; its end comes before refunds.")


class DeadlinePassed(Refusal):
    """The time to answer the dispute is over; it is lost as soon as the provider confirms."""

    code = "deadline_passed"

    def __init__(self, respond_by: str) -> None:
        super().__init__(f"The dispute had to be answered by {respond_by}.")


class AmountExceedsRefundable(Refusal):
    """A refund or dispute asks for more than is captured and not spoken for. Amounts are minor units."""

    code = "amount_exceeds_refundable"

    def __init__(self, amount: int | None, refundable: int) -> None:
        asked = f"{amount} was asked for" if amount is not None else "all of it was asked for"
        super().__init__(f"{asked}, {refundable} can be refunded.")


class MakerCheckerViolation(Refusal):
    """Who requested a refund may not decide on it: it takes two people to give money back."""

    code = "maker_checker_violation"

    def __init__(self) -> None:
        super().__init__("A refund is approved or rejected by another user than the one who requested it.")


class AmountExceedsAuthorized(Refusal):
    """A capture asks for more than is left of the authorization. Amounts are minor units."""

    code = "amount_exceeds_authorized"

    def __init__(self, amount: int, capturable: int) -> None:
        super().__init__(f"{amount} was asked for, {capturable} is left to capture.")


class OperationInProgress(Refusal):
    """An operation on the same thing is open at its provider; its outcome comes first."""

    code = "operation_in_progress"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, operation: str) -> None:
        super().__init__(f"Another {operation} is in progress; its outcome comes first.")


class IdempotencyKeyReused(Refusal):
    """The key belongs to a request with other content."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with another request body.")


class IdempotencyInProgress(Refusal):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key has not finished yet.")


class OperationNotProcessed(Refusal):
    """An operation surely had no effect at the provider; the same key may be used again."""

    code = "not_processed"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self) -> None:
        super().__init__("The provider did not process it; it is safe to try again.")


class NoProvider(Refusal):
    """Routing leaves no provider that could take the payment. `why_not` has the reason for each."""

    code = "provider_unavailable"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, why_not: Mapping[str, str]) -> None:
        reasons = "; ".join(f"{provider}: {reason}" for provider, reason in why_not.items())
        super().__init__(f"No provider can take this payment ({reasons}). Try again with the same key.")
