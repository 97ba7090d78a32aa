"""One handler for each operation of the vault's contract: translate in, call, translate out."""

from collections.abc import Callable
from typing import Any

import msgspec

from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.contract.refusals import invalid_parameter
from payrail.runtime.contract_app import Answer, Call, Handler
from payrail.vault.access_log import AccessFilter, CursorInvalid
from payrail.vault.cards import check_card
from payrail.vault.errors import VaultUnavailable
from payrail.vault.opened import Vault
from payrail.vault.rotation import Progress
from payrail.vault.witness import current_access


class Handlers:
    """The handlers. ``vault`` gives the open vault, or raises `VaultUnavailable`."""

    def __init__(self, vault: Callable[[], Vault], clock: Clock, version: str) -> None:
        self._vault = vault
        self._clock = clock
        self._version = version

    def by_operation(self) -> dict[str, Handler]:
        return {
            "tokenize": self.tokenize,
            "detokenize": self.detokenize,
            "charge_token": self.charge_token,
            "rotate_keys": self.rotate_keys,
            "get_access_log": self.get_access_log,
            "get_health": self.get_health,
        }

    async def tokenize(self, call: Call) -> Answer:
        access, body = current_access(), call.body
        access.merchant_id = body["merchant_id"]
        today = self._clock.now().date()
        card = check_card(body["number"], body["exp_month"], body["exp_year"], body.get("holder_name"), today)
        store = self._vault().store
        access.token = await store.tokenize(body["merchant_id"], card)
        return Answer(201, store.describe(body["merchant_id"], access.token))

    async def detokenize(self, call: Call) -> Answer:
        merchant_id, token = _named_card(call.body)
        return Answer(200, self._vault().store.describe(merchant_id, token))

    async def charge_token(self, call: Call) -> Answer:
        merchant_id, token = _named_card(call.body)
        return Answer(200, self._vault().store.reveal(merchant_id, token))

    async def rotate_keys(self, call: Call) -> Answer:
        wait = (call.body or {}).get("mode", "now") == "now"
        progress = await self._vault().rotation.rotate(wait=wait)
        return Answer(200 if progress.done else 202, _rotation(progress))

    async def get_access_log(self, call: Call) -> Answer:
        query = call.query
        wanted = AccessFilter(
            **{
                name: query.get(name)
                for name in ("token", "caller", "merchant_id", "created_from", "created_to")
            }
        )
        current_access().merchant_id = wanted.merchant_id
        try:
            lines, following = await self._vault().access_log.page(
                wanted, limit=query["limit"], cursor=query.get("cursor")
            )
        except CursorInvalid:
            raise invalid_parameter("Query", "cursor", "is not a cursor of this list") from None
        return Answer(200, {"data": msgspec.to_builtins(lines), "next_cursor": following})

    async def get_health(self, call: Call) -> Answer:  # noqa: ARG002 - every handler gets its call
        return Answer(
            200,
            {
                "status": "ok" if self._is_well() else "degraded",
                "service": "vault",
                "version": self._version,
                "time": rfc3339(self._clock.now()),
            },
        )

    def _is_well(self) -> bool:
        try:
            return self._vault().available
        except VaultUnavailable:
            return False


def _named_card(body: dict[str, Any]) -> tuple[str, str]:
    """Whose card is meant and which; the access remembers both, whether they exist or not."""
    access = current_access()
    access.merchant_id, access.token = body["merchant_id"], body["token"]
    return body["merchant_id"], body["token"]


def _rotation(progress: Progress) -> dict[str, Any]:
    return {
        "active_key_id": progress.active_key_id,
        "retired_key_ids": progress.retired_key_ids,
        "reencrypted": progress.reencrypted,
        "status": "done" if progress.done else "running",
    }
