"""Webhooks that PayRail sends: whether one is really PayRail's, and what it tells.

As the Standard Webhooks specification has it (https://github.com/standard-webhooks/standard-webhooks): a signature is
HMAC-SHA256 over `id.timestamp.body`, in base64 after `v1,`; the header may hold several, with spaces between.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from .errors import (
    WebhookError,
    WebhookHeadersInvalid,
    WebhookSignatureInvalid,
    WebhookTimestampRefused,
    WebhookUnreadable,
)
from .gateway.models import Dispute, EventType, Payment, Refund

Value = TypeVar("Value")

TOLERANCE_S = 300.0
"""How far a webhook's time may lie from now, in both directions, before it is taken for a replay."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with is none
_VERSION = "v1"
_TIMESTAMP_DIGITS_MAX = 12
_CORRELATION_ID_LENGTH_MAX = 128
_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Payment | Refund | Dispute]] = {
    "payment": Payment.from_dict,
    "refund": Refund.from_dict,
    "dispute": Dispute.from_dict,
}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """Something that happened, with the thing as it was right then."""

    id: str
    """The event's id. A webhook may come more than once: act on each id once."""
    type: EventType | str
    """What happened, such as "payment.captured"; a newer PayRail may send types that this SDK does not know."""
    created_at: datetime
    """When it happened."""
    merchant_id: str
    correlation_id: str
    """The correlation id of the request that caused it."""
    data: Mapping[str, Any]
    """The thing as JSON."""

    @property
    def about(self) -> Payment | Refund | Dispute | None:
        """The thing as its own operations return it; None where it is none of these: then see `data`.

        Raises:
            WebhookUnreadable: The contract of this SDK does not know the thing's shape.
        """
        read = _KINDS.get(self.type.partition(".")[0])
        try:
            return None if read is None else read(self.data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WebhookUnreadable(
                f"The data of {self.id} is not what the contract says", correlation_id=self.correlation_id
            ) from error


class Webhooks:
    """Webhooks that PayRail sends to you. Nothing here needs a client: `payrail_sdk.webhooks` has the same."""

    def verify(
        self,
        payload: bytes | str,
        headers: Mapping[str, str],
        secret: str | Sequence[str],
        *,
        tolerance_s: float = TOLERANCE_S,
    ) -> WebhookEvent:
        """The event, if the webhook is really PayRail's. See `payrail_sdk.webhooks.verify`."""
        return verify(payload, headers, secret, tolerance_s=tolerance_s)


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> WebhookEvent:
    """The event that a webhook tells of, if it is really PayRail's and not an old one sent again.

    Signatures are compared in constant time. Answer a webhook that is refused with a 4xx.

    Args:
        payload: The request's body exactly as it came; parsed and written anew it has another signature.
        headers: The request's headers; upper and lower case are one.
        secret: The endpoint's secret, `whsec_…`; or several, of which one must fit, while you change it.
        tolerance_s: Seconds that `webhook-timestamp` may lie from now, in both directions.
        now_s: Seconds since 1970 to take for now, in tests.

    Raises:
        WebhookHeadersInvalid: One of `webhook-id`, `webhook-timestamp` and `webhook-signature` is missing or malformed.
        WebhookTimestampRefused: It is too old, or from the future.
        WebhookSignatureInvalid: No signature fits: it is not PayRail's, was changed, or has another secret.
        WebhookUnreadable: It is PayRail's, but no event.
        ValueError: A secret is none.
    """
    keys = [_key(each) for each in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("a webhook secret is needed")
    body = payload.encode() if isinstance(payload, str) else bytes(payload)
    lower = {name.lower(): value for name, value in headers.items()}
    correlation_id = _correlation_id(lower)
    webhook_id, sent_s, signatures = _signed_headers(lower, correlation_id)
    now = time.time() if now_s is None else now_s
    if not abs(now - sent_s) <= tolerance_s:
        age = "too old" if sent_s < now else "from the future"
        raise WebhookTimestampRefused(f"The webhook is {age}", correlation_id=correlation_id)
    if not _any_fits(_signatures(keys, webhook_id, sent_s, body), signatures):
        raise WebhookSignatureInvalid("No signature fits", correlation_id=correlation_id)
    return _event(body, correlation_id)


def sign(payload: bytes | str, secret: str, *, webhook_id: str, sent_s: int) -> dict[str, str]:
    """The headers with which PayRail would send a body, for tests of what receives it. `sent_s` counts from 1970."""
    body = payload.encode() if isinstance(payload, str) else bytes(payload)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(sent_s),
        "webhook-signature": f"{_VERSION},{_signatures([_key(secret)], webhook_id, sent_s, body)[0]}",
    }


def _key(secret: str) -> bytes:
    """The bytes to sign with. The error does not repeat the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a webhook secret is whsec_ and base64")
    return key


def _signed_headers(headers: Mapping[str, str], correlation_id: str) -> tuple[str, int, list[str]]:
    """Id, time in seconds since 1970, and the signatures of the version that is known."""
    found = [headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")]
    webhook_id, timestamp, signature = found
    if not all(found):
        raise WebhookHeadersInvalid("Headers of the signature are missing", correlation_id=correlation_id)
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS_MAX):
        raise WebhookHeadersInvalid(
            "webhook-timestamp is no number of seconds", correlation_id=correlation_id
        )
    parts = [part.partition(",") for part in signature.split(" ")]
    return webhook_id, int(timestamp), [value for version, _, value in parts if version == _VERSION]


def _signatures(keys: Sequence[bytes], webhook_id: str, sent_s: int, body: bytes) -> list[str]:
    content = f"{webhook_id}.{sent_s}.".encode(errors="replace") + body
    return [base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]


def _any_fits(expected: Sequence[str], given: Sequence[str]) -> bool:
    """Whether one of both is the same. Every pair is compared, so that the time tells nothing of which."""
    fits = [
        hmac.compare_digest(one.encode(), other.encode(errors="replace"))
        for one in expected
        for other in given
    ]
    return any(fits)


def _event(body: bytes, correlation_id: str) -> WebhookEvent:
    try:
        document = json.loads(body)
        return WebhookEvent(
            id=_checked(str, document["id"]),
            type=_checked(str, document["type"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            merchant_id=_checked(str, document["merchant_id"]),
            correlation_id=_checked(str, document["correlation_id"]),
            data=_checked(dict, document["data"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = "The webhook is PayRail's, but its body is no event"
        raise WebhookUnreadable(message, correlation_id=correlation_id) from error


def _checked(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"no {kind.__name__}")
    return value


def _correlation_id(headers: Mapping[str, str]) -> str:
    """As the sender has it, as far as it can be one: nobody has proved yet who the sender is."""
    given = headers.get("x-correlation-id", "")
    visible = all("!" <= character <= "~" for character in given)
    return given if visible and len(given) <= _CORRELATION_ID_LENGTH_MAX else ""


__all__ = ["TOLERANCE_S", "WebhookError", "WebhookEvent", "Webhooks", "sign", "verify"]
