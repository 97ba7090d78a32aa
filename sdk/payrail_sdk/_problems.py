"""Makes typed errors of answers. Pure: it takes what came over the wire and never fails on it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

from . import errors
from .gateway.models.field_error import FieldError

CORRELATION_ID = "x-correlation-id"

_FAULTS_NAMED_MAX = 3

_BY_CODE: Mapping[str, type[errors.ApiError]] = {
    "validation_failed": errors.ValidationFailed,
    "sensitive_data": errors.SensitiveData,
    "card_invalid": errors.CardError,
    "card_expired": errors.CardError,
    "amount_exceeds_authorized": errors.AmountExceedsAuthorized,
    "amount_exceeds_refundable": errors.AmountExceedsRefundable,
    "dispute_open": errors.DisputeOpen,
    "maker_checker_violation": errors.MakerCheckerViolation,
    "currency_unsupported": errors.CurrencyUnsupported,
    "idempotency_key_reused": errors.IdempotencyKeyReused,
    "invalid_transition": errors.InvalidTransition,
    "operation_in_progress": errors.OperationInProgress,
    "idempotency_in_progress": errors.IdempotencyInProgress,
}
_BY_STATUS: Mapping[int, type[errors.ApiError]] = {
    401: errors.AuthenticationError,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.Conflict,
    429: errors.RateLimited,
    502: errors.ServiceUnavailable,
    503: errors.ServiceUnavailable,
    504: errors.ServiceUnavailable,
}
_BY_HUNDRED: Mapping[int, type[errors.ApiError]] = {4: errors.InvalidRequest, 5: errors.InternalServerError}


class Answer(Protocol):
    """As much of an `httpx.Response` as is read here."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


def error_class(status: int, code: str | None) -> type[errors.ApiError]:
    """The type of an error answer: by its code where that has one, else by its status."""
    by_code = _BY_CODE.get(code) if code else None
    return by_code or _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, errors.UnreadableAnswer)


def error_of(answer: Answer, correlation_id: str, idempotency_key: str | None) -> errors.ApiError:
    """The error that an answer other than a success stands for, whatever its body holds."""
    status, document = answer.status_code, _problem_document(answer.content)
    code, detail = _text(document, "code"), _text(document, "detail")
    title = _text(document, "title") or _phrase(status)
    faults = _field_errors(document.get("errors"))
    return error_class(status, code)(
        _message(status, code, " ".join([detail or title, *_named(faults)])),
        code=code,
        title=title,
        detail=detail,
        errors=faults,
        idempotency_key=idempotency_key,
        **_origin(answer, _text(document, "correlation_id") or correlation_id),
    )


def unreadable(answer: Answer, correlation_id: str, idempotency_key: str | None) -> errors.UnreadableAnswer:
    """The error for a success whose body is not what the contract says."""
    title = "The answer is not what the contract says"
    return errors.UnreadableAnswer(
        _message(answer.status_code, None, title),
        title=title,
        idempotency_key=idempotency_key,
        **_origin(answer, correlation_id),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long to wait by `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3); None when it is not said.

    A date counts from the answer's own `Date`, so that it does not matter whether both clocks agree.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    then, now = _http_date(value), _http_date(headers.get("date", ""))
    return None if then is None else max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


def _origin(answer: Answer, correlation_id: str) -> dict[str, Any]:
    """Where an error comes from: what every error that an answer stands for has."""
    headers = plain_headers(answer)
    return {
        "status": answer.status_code,
        "correlation_id": headers.get(CORRELATION_ID) or correlation_id,
        "retry_after_s": retry_after_s(headers),
        "headers": headers,
        "body": answer.content,
    }


def plain_headers(answer: Answer) -> dict[str, str]:
    """An answer's headers, their names in lower case."""
    return {name.lower(): value for name, value in answer.headers.items()}


def _problem_document(content: bytes) -> dict[str, Any]:
    """The problem document (RFC 9457), or nothing when the body is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _field_errors(found: object) -> Sequence[FieldError]:
    entries = found if isinstance(found, list) else []
    return [
        FieldError(entry["pointer"], entry["message"])
        for entry in entries
        if isinstance(entry, dict) and _text(entry, "pointer") is not None and _text(entry, "message")
    ]


def _named(faults: Sequence[FieldError]) -> Sequence[str]:
    """The body's faults for a message; `errors` has them all. A parameter is named by `detail`."""
    of_body = [fault for fault in faults if fault.pointer.startswith("/") or not fault.pointer]
    shown = [f"{fault.pointer or 'The body'} {fault.message}" for fault in of_body[:_FAULTS_NAMED_MAX]]
    if len(of_body) > _FAULTS_NAMED_MAX:
        shown.append(f"{len(of_body) - _FAULTS_NAMED_MAX} more")
    return ["; ".join(shown)] if shown else []


def _message(status: int, code: str | None, text: str) -> str:
    return f"{status} {code}: {text}" if code else f"{status}: {text}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # The latter for a number that no date can hold.
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
