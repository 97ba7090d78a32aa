"""The audit trail, blocking."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .audit_params import AccessFilters, AuditFilters, RotationMode, query_of
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
from .pages import Listing, Page
from .params import or_unset, path_id


class Audit:
    """Who did what, when, and at whose request."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
        **filters: Unpack[AuditFilters],
    ) -> Listing[AuditRecord]:
        """The trail, newest first; pages are fetched while you iterate. `correlation_id` is this request's own; to
        look for another's, give `of_correlation`."""

        def fetch(at: str | None) -> Page[AuditRecord]:
            page = self._sender.call(
                AuditPage,
                lambda client: list_audit.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query_of(filters)
                ),
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def of_payment(
        self,
        payment_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
    ) -> Listing[AuditRecord]:
        """The trail of a payment, its refunds and its disputes, newest first.

        Raises:
            NotFound: There is no such payment, or it is another merchant's.
        """
        segment = path_id(payment_id)

        def fetch(at: str | None) -> Page[AuditRecord]:
            page = self._sender.call(
                AuditPage,
                lambda client: list_payment_audit.sync_detailed(
                    segment, client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def export(
        self, *, correlation_id: str | None = None, **filters: Unpack[AuditFilters]
    ) -> Sequence[AuditRecord]:
        """The whole trail up to now, oldest first, in one answer."""
        return self._sender.call(
            AuditExport,
            lambda client: export_audit.sync_detailed(client=client, **query_of(filters)),
            correlation_id,
        ).data

    def vault_access(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        correlation_id: str | None = None,
        **filters: Unpack[AccessFilters],
    ) -> Listing[AccessLogItem]:
        """Who did what with which of the merchant's tokens, newest first. Needs the role admin."""

        def fetch(at: str | None) -> Page[AccessLogItem]:
            page = self._sender.call(
                AccessLogPage,
                lambda client: list_vault_access.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query_of(filters)
                ),
                correlation_id,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)


class Vault:
    """The keys that the vault encrypts cards with."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def rotate_keys(
        self,
        mode: RotationMode = "now",
        *,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
    ) -> KeyRotation:
        """Encrypt every card anew under a new key, and retire the older ones. Needs the role admin.

        Args:
            mode: `now` waits for the end, `background` does not.
            idempotency_key: As for `Payments.create`.
            correlation_id: As for `Payments.create`.

        Raises:
            Conflict: Another rotation is running.
        """
        key, body = key_or_new(idempotency_key), RotateKeysRequest.from_dict({"mode": mode})
        return self._sender.call(
            KeyRotation,
            lambda client: rotate_vault_keys.sync_detailed(client=client, body=body, idempotency_key=key),
            correlation_id,
        )
