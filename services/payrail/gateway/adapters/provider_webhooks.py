"""Webhooks of the providers: their signatures, and what they say."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from payrail.gateway.adapters.provider_answers import said_of, said_of_refund
from payrail.gateway.domain.notices import Notice, SignatureInvalid, WebhookStale
from payrail_sdk.provider_sim.models import Decline, ProviderOperation

_TOLERANCE_S = 300


class SignedNotices:
    """`Notices` that are signed as the Standard Webhooks specification has it.

    `secrets` has those of each provider; while one is being changed there are two, and either will do. The time of a
    signature is the machine's, as the library has it for every receiver.
    """

    def __init__(self, secrets: Mapping[str, Sequence[str]]) -> None:
        self._keys = {provider: [Webhook(one) for one in several] for provider, several in secrets.items()}

    def read(self, provider: str, headers: Mapping[str, str], raw: bytes, body: Mapping[str, Any]) -> Notice:
        self._require_signed(provider, headers, raw)
        operation = _operation(body["data"])
        return Notice(
            webhook_id=headers["webhook-id"],
            provider=provider,
            type=body["type"],
            operation=operation.operation,
            reference=operation.reference,
            original_reference=operation.original_reference,
            amount=operation.amount,
            currency=operation.currency,
            said=said_of(operation, None),
            said_of_refund=said_of_refund(operation, None),
            reason=body.get("reason"),
            account=dict(body["data"]),
        )

    def _require_signed(self, provider: str, headers: Mapping[str, str], raw: bytes) -> None:
        signed = {name: headers[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
        if abs(time.time() - int(signed["webhook-timestamp"])) > _TOLERANCE_S:
            raise WebhookStale
        for key in self._keys.get(provider, ()):
            try:
                key.verify(raw, signed, json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue  # Another secret may fit, while one is being changed.
            return
        raise SignatureInvalid


def _operation(told: Mapping[str, Any]) -> ProviderOperation:
    """The operation that a body tells of, which the contract has checked: nothing is left to parse but the decline."""
    decline = told["decline"]
    return ProviderOperation(**{**told, "decline": Decline.from_dict(decline) if decline else None})
