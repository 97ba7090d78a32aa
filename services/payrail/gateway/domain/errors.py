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


class AmountExceedsAuthorized(Refusal):
    """A capture asks for more than is left of the authorization. Amounts are minor units."""

    code = "amount_exceeds_authorized"

    def __init__(self, amount: int, capturable: int) -> None:
        super().__init__(f"{amount} was asked for, {capturable} is left to capture.")


class OperationInProgress(Refusal):
    """A capture or void of this payment is open at its provider; its outcome comes first."""

    code = "operation_in_progress"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, operation: str) -> None:
        super().__init__(f"A {operation} of this payment is in progress.")


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
    """A capture or void surely had no effect at the provider; the same key may be used again."""

    code = "not_processed"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, operation: str) -> None:
        super().__init__(f"The provider did not process the {operation}; it is safe to try again.")


class NoProvider(Refusal):
    """Routing leaves no provider that could take the payment. `why_not` has the reason for each."""

    code = "provider_unavailable"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, why_not: Mapping[str, str]) -> None:
        reasons = "; ".join(f"{provider}: {reason}" for provider, reason in why_not.items())
        super().__init__(f"No provider can take this payment ({reasons}). Try again with the same key.")
