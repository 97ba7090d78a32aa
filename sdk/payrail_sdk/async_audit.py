"""The audit trail, asynchronous. What each method promises stands in `audit`."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .audit_params import AccessFilters, AuditFilters, RotationMode, query_of
from .call_options import CallOptions, options_of
from .gateway.api.audit import export_audit, list_audit, list_payment_audit, list_vault_access
from .gateway.api.vault import rotate_vault_keys
from .gateway.models import (
    AccessLogItem,
    AccessLogPage,
    AuditExport,
    AuditPage,
    AuditRecord,
    KeyRotation,
    RotateKeysRequest,
)
from .pages import AsyncListing, Page
from .params import or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncAudit:
    """As `Audit`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawAudit":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawAudit(self)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[AuditFilters],
    ) -> AsyncListing[AuditRecord]:
        """The trail, newest first; pages are fetched while you iterate. `correlation_id` is this request's own; to
        look for another's, give `of_correlation`."""
        options, chosen = options_of(filters)
        query = query_of(chosen)

        async def fetch(at: str | None) -> Page[AuditRecord]:
            page = await self._sender.call(
                AuditPage,
                lambda client: list_audit.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    def of_payment(
        self,
        payment_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[AuditRecord]:
        """The trail of a payment, its refunds and its disputes, newest first. See `Audit.of_payment`."""
        segment = path_id(payment_id)

        async def fetch(at: str | None) -> Page[AuditRecord]:
            page = await self._sender.call(
                AuditPage,
                lambda client: list_payment_audit.asyncio_detailed(
                    segment, client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def export(self, **filters: Unpack[AuditFilters]) -> Sequence[AuditRecord]:
        """The whole trail up to now, oldest first, in one answer."""
        options, chosen = options_of(filters)
        query = query_of(chosen)
        exported = await self._sender.call(
            AuditExport,
            lambda client: export_audit.asyncio_detailed(client=client, **query),
            options,
        )
        return exported.data

    def vault_access(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[AccessFilters],
    ) -> AsyncListing[AccessLogItem]:
        """Who did what with which of the merchant's tokens, newest first. Needs the role admin."""
        options, chosen = options_of(filters)
        query = query_of(chosen)

        async def fetch(at: str | None) -> Page[AccessLogItem]:
            page = await self._sender.call(
                AccessLogPage,
                lambda client: list_vault_access.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)


class AsyncRawAudit:
    """As `RawAudit`, with `await`."""

    def __init__(self, plain: AsyncAudit) -> None:
        self.list = async_raw_page(plain.list)
        self.of_payment = async_raw_page(plain.of_payment)
        self.export = async_raw(plain.export)
        self.vault_access = async_raw_page(plain.vault_access)


class AsyncVault:
    """As `Vault`, with `await`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawVault":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawVault(self)

    async def rotate_keys(
        self,
        mode: RotationMode = "now",
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> KeyRotation:
        """Encrypt every card anew under a new key, and retire the older ones. See `Vault.rotate_keys`."""
        key, body = key_or_new(idempotency_key), RotateKeysRequest.from_dict({"mode": mode})
        return await self._sender.call(
            KeyRotation,
            lambda client: rotate_vault_keys.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )


class AsyncRawVault:
    """As `RawVault`, with `await`."""

    def __init__(self, plain: AsyncVault) -> None:
        self.rotate_keys = async_raw(plain.rotate_keys)
