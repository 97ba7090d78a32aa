"""What the vault's administrators see and do, through its generated client."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from payrail.gateway.adapters.vault import UNREADABLE_CARD
from payrail.gateway.ports import AccessFilter, CardUnreadable, RotationInProgress, VaultUnavailable
from payrail.runtime.client_errors import NO_ANSWER
from payrail.runtime.clock import parse_rfc3339, rfc3339
from payrail.runtime.pages import InvalidCursor
from payrail_sdk.vault import AuthenticatedClient
from payrail_sdk.vault.api.access_log import get_access_log
from payrail_sdk.vault.api.keys import rotate_keys
from payrail_sdk.vault.models import AccessLogPage, KeyRotation, RotateKeysRequest
from payrail_sdk.vault.types import UNSET, Unset


class SdkVaultKeys:
    """`VaultKeys` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def access_log(
        self, wanted: AccessFilter, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        answer = await self._call(
            get_access_log,
            correlation_id,
            merchant_id=wanted.merchant_id,
            token=wanted.token or UNSET,
            caller=wanted.caller or UNSET,
            created_from=_time(wanted.created_from),
            created_to=_time(wanted.created_to),
            limit=limit,
            cursor=cursor or UNSET,
        )
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise InvalidCursor
        if not isinstance(answer.parsed, AccessLogPage):
            raise VaultUnavailable
        page = answer.parsed
        return {
            "data": [{**item.to_dict(), "at": rfc3339(item.at)} for item in page.data],
            "next_cursor": page.next_cursor,
        }

    async def rotate_keys(self, mode: str, correlation_id: str) -> tuple[bool, Mapping[str, Any]]:
        body = RotateKeysRequest.from_dict({"mode": mode})
        answer = await self._call(rotate_keys, correlation_id, body=body)
        if getattr(answer.parsed, "code", None) == UNREADABLE_CARD:
            raise CardUnreadable(answer.parsed.detail)
        if answer.status_code == HTTPStatus.CONFLICT:
            raise RotationInProgress
        if not isinstance(answer.parsed, KeyRotation):
            raise VaultUnavailable
        return answer.status_code == HTTPStatus.OK, answer.parsed.to_dict()

    async def _call(self, operation: Any, correlation_id: str, **given: Any) -> Any:
        try:
            return await operation.asyncio_detailed(
                client=self._client, x_correlation_id=correlation_id, **given
            )
        except NO_ANSWER:
            raise VaultUnavailable from None


def _time(text: str | None) -> datetime | Unset:
    return parse_rfc3339(text) if text else UNSET
