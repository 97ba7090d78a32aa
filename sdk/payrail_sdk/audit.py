"""The audit trail, blocking."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import Sender
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
from .pages import Listing, Page
from .params import or_unset, path_id
from .raw_response import raw, raw_page


class Audit:
    """Who did what, when, and at whose request."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawAudit":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawAudit(self)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[AuditFilters],
    ) -> Listing[AuditRecord]:
        """The trail, newest first; pages are fetched while you iterate. `correlation_id` is this request's own; to
        look for another's, give `of_correlation`."""
        options, chosen = options_of(filters)
        query = query_of(chosen)

        def fetch(at: str | None) -> Page[AuditRecord]:
            page = self._sender.call(
                AuditPage,
                lambda client: list_audit.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def of_payment(
        self,
        payment_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
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
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def export(self, **filters: Unpack[AuditFilters]) -> Sequence[AuditRecord]:
        """The whole trail up to now, oldest first, in one answer."""
        options, chosen = options_of(filters)
        query = query_of(chosen)
        return self._sender.call(
            AuditExport,
            lambda client: export_audit.sync_detailed(client=client, **query),
            options,
        ).data

    def vault_access(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **filters: Unpack[AccessFilters],
    ) -> Listing[AccessLogItem]:
        """Who did what with which of the merchant's tokens, newest first. Needs the role admin."""
        options, chosen = options_of(filters)
        query = query_of(chosen)

        def fetch(at: str | None) -> Page[AccessLogItem]:
            page = self._sender.call(
                AccessLogPage,
                lambda client: list_vault_access.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at), **query
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)


class RawAudit:
    """`Audit` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Audit) -> None:
        self.list = raw_page(plain.list)
        self.of_payment = raw_page(plain.of_payment)
        self.export = raw(plain.export)
        self.vault_access = raw_page(plain.vault_access)


class Vault:
    """The keys that the vault encrypts cards with."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawVault":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawVault(self)

    def rotate_keys(
        self,
        mode: RotationMode = "now",
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> KeyRotation:
        """Encrypt every card anew under a new key, and retire the older ones. Needs the role admin.

        Args:
            mode: `now` waits for the end, five seconds at most; `background` does not. The answer's `status` tells
                whether it has come.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            Conflict: Another rotation is running.
        """
        key, body = key_or_new(idempotency_key), RotateKeysRequest.from_dict({"mode": mode})
        return self._sender.call(
            KeyRotation,
            lambda client: rotate_vault_keys.sync_detailed(client=client, body=body, idempotency_key=key),
            options,
        )


class RawVault:
    """`Vault` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Vault) -> None:
        self.rotate_keys = raw(plain.rotate_keys)
