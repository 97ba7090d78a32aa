"""What can go wrong, as types.

    PayRailError
        ConnectionFailed            no connection, or it broke before the answer was whole
        TimedOut                    no answer in time: the outcome is unknown, it is not a failure
        ApiError                    the gateway, or something before it, answered
            UnreadableAnswer        … with something that the contract does not know
            InvalidRequest          400, 413, 415, 422 and every other 4xx that has no type of its own
                ValidationFailed        `errors` names each field
                SensitiveData           a card number where none may stand
                CardError               the card cannot be used
                AmountExceedsAuthorized
                CurrencyUnsupported
                IdempotencyKeyReused
            AuthenticationError     401
            PermissionDenied        403
            NotFound                404
            Conflict                409
                InvalidTransition       the payment's state does not allow it
                OperationInProgress     another operation on the payment is running
                IdempotencyInProgress   the first request with this key is still running
            RateLimited             429
            InternalServerError     500 and every other 5xx that has no type of its own
            ServiceUnavailable      502, 503, 504
        WebhookError                a webhook that was received is not to be trusted, or not to be read
            WebhookHeadersInvalid
            WebhookTimestampRefused
            WebhookSignatureInvalid
            WebhookUnreadable

Decide by type or by `code`, which is stable; messages are for people. Neither an error's message nor its fields hold
the request, so that logging one shows no card number and no API key.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .gateway.models.field_error import FieldError


class PayRailError(Exception):
    """A call of PayRail did not succeed, or a webhook is none of PayRail's."""

    correlation_id: str
    """Finds the request in PayRail's logs and ledger. The SDK makes one for each call, so it is always there; of a
    webhook it is what its sender says, or empty."""
    idempotency_key: str | None
    """The key that the request was sent with. To find out what became of it, repeat the call with this key."""

    def __init__(self, message: str, *, correlation_id: str, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.correlation_id = correlation_id
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        text = str(self.args[0])
        return f"{text} (correlation id {self.correlation_id})" if self.correlation_id else text

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled as a call with its positional arguments, which would lose all the rest.
        return _restored, (type(self), self.args, self.__dict__)


class ConnectionFailed(PayRailError):
    """No connection could be made, or it broke before the answer was whole. The request may have been processed."""


class TimedOut(PayRailError):
    """No answer came in time. The request may have been processed: its outcome is unknown, never a failure."""


class ApiError(PayRailError):
    """An answer that is not a success."""

    status: int
    """The HTTP status."""
    code: str | None
    """PayRail's stable code; None when something other than PayRail answered."""
    title: str
    """The kind of problem in a few words."""
    detail: str | None
    """What happened this time."""
    errors: Sequence[FieldError]
    """Every fault of the request that was found, each with a JSON `pointer` and a `message`."""
    retry_after_s: float | None
    """After how many seconds another try makes sense, when the answer says so."""
    headers: Mapping[str, str]
    """The answer's headers, their names in lower case."""
    body: bytes
    """The answer's body as it came."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        title: str,
        correlation_id: str,
        idempotency_key: str | None = None,
        code: str | None = None,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message, correlation_id=correlation_id, idempotency_key=idempotency_key)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.headers = dict(headers or {})
        self.body = body


class UnreadableAnswer(ApiError):
    """An answer that the contract does not know, such as a success whose body is not what it should be.

    A request that changes something may have been processed.
    """


class InvalidRequest(ApiError):
    """The request cannot be taken as it is. Nothing was changed by it."""


class ValidationFailed(InvalidRequest):
    """`validation_failed`: fields are missing, unknown or not valid; `errors` names each."""


class SensitiveData(InvalidRequest):
    """`sensitive_data`: a card number stands where none may, such as in a description. Nothing was written."""


class CardError(InvalidRequest):
    """`card_invalid` or `card_expired`: the card cannot be used. A card that a provider declines is no error: see
    `Payment.decline`."""


class AmountExceedsAuthorized(InvalidRequest):
    """`amount_exceeds_authorized`: more than is left to capture."""


class AmountExceedsRefundable(InvalidRequest):
    """`amount_exceeds_refundable`: more than is captured and neither returned, reserved nor disputed."""


class CurrencyUnsupported(InvalidRequest):
    """`currency_unsupported`: no such currency, or PayRail does not take it."""


class IdempotencyKeyReused(InvalidRequest):
    """`idempotency_key_reused`: the key belongs to an earlier request that said something else."""


class AuthenticationError(ApiError):
    """401: no key, or not a valid one."""


class PermissionDenied(ApiError):
    """403: the key's role does not allow it, or the asserted identity contradicts the key."""


class MakerCheckerViolation(PermissionDenied):
    """`maker_checker_violation`: a refund is decided on by an approver who did not request it."""


class NotFound(ApiError):
    """404: there is no such thing, or it belongs to another merchant."""


class Conflict(ApiError):
    """409: the present state does not allow it."""


class InvalidTransition(Conflict):
    """`invalid_transition`: what was asked for may not follow the present state; `detail` names both states."""


class OperationInProgress(Conflict):
    """`operation_in_progress`: another operation on the same thing has not ended yet."""


class DisputeOpen(Conflict):
    """`dispute_open`: a dispute of the payment is open, and comes before its refunds."""


class IdempotencyInProgress(Conflict):
    """`idempotency_in_progress`: the first request with this key is still running. Retried by the SDK."""


class RateLimited(ApiError):
    """429: too many requests. Retried by the SDK."""


class InternalServerError(ApiError):
    """500: a fault of PayRail's. Repeat it with the same idempotency key, or look at the payment."""


class ServiceUnavailable(ApiError):
    """502, 503 or 504: the gateway, or a part that it needs, cannot be reached. Retried by the SDK."""


class WebhookError(PayRailError):
    """A webhook that was received is not to be acted on. It holds nothing of the body and nothing of the secret."""


class WebhookHeadersInvalid(WebhookError):
    """`webhook-id`, `webhook-timestamp` or `webhook-signature` is missing or malformed."""


class WebhookTimestampRefused(WebhookError):
    """It was sent too long ago, or in the future: somebody may send an old one again, or a clock is wrong."""


class WebhookSignatureInvalid(WebhookError):
    """No signature fits: it is not PayRail's, it was changed on its way, or its secret is another one."""


class WebhookUnreadable(WebhookError):
    """It is PayRail's, but not what the contract of this SDK says."""


def _restored(kind: type[PayRailError], args: tuple[Any, ...], state: Mapping[str, Any]) -> PayRailError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
