"""Reconciled days, blocking."""

from datetime import date
from typing import Unpack

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.reconciliation import (
    get_reconciliation,
    list_reconciliations,
    resolve_break,
    run_reconciliation,
)
from .gateway.models import (
    Break,
    BreakClass,
    BreakState,
    Reconciliation,
    ReconciliationList,
    ReconciliationSummary,
    ResolveBreakRequest,
)
from .pages import Listing, Page
from .params import or_unset, path_id
from .raw_response import raw, raw_page


class Reconciliations:
    """What ledger, settlement files and providers say of the same money, and where they differ. Days are UTC."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawReconciliations":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawReconciliations(self)

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ReconciliationSummary]:
        """The reconciled days with their counts, newest first; pages are fetched while you iterate.

        Args:
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[ReconciliationSummary]:
            page = self._sender.call(
                ReconciliationList,
                lambda client: list_reconciliations.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def get(self, day: date, **options: Unpack[CallOptions]) -> Reconciliation:
        """A day's counts, the parties' sums in minor units, and the first of its breaks; `breaks` has all of them.

        Raises:
            NotFound: The day has not been reconciled.
        """
        return self._page(day, None, None, None, None, options)

    def breaks(
        self,
        day: date,
        *,
        break_class: BreakClass | None = None,
        state: BreakState | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[Break]:
        """A day's breaks in the order of the report; pages are fetched while you iterate. Raises as `get`.

        Args:
            day: The UTC day.
            break_class: Only breaks of this class, such as "fee_mismatch".
            state: Only breaks that are open, explained or closed.
            limit: As for `list`.
            cursor: As for `list`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[Break]:
            page = self._page(day, break_class, state, limit, at, options)
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def run(
        self, day: date, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Reconciliation:
        """Reconcile a day now; a run that finds what the run before it found changes nothing. Needs the role admin.

        Raises:
            InvalidRequest: The day has not begun (`future_date`).
            ServiceUnavailable: A provider's file could not be had or read (`job_failed`, whose `detail` says why), or
                nobody answers for the jobs (`jobs_unavailable`).
        """
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Reconciliation,
            lambda client: run_reconciliation.sync_detailed(day, client=client, idempotency_key=key),
            options,
        )

    def resolve_break(
        self,
        day: date,
        break_id: str,
        state: BreakState,
        *,
        reason: str,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Break:
        """Say of a break that it is explained or closed, and why; or open it again.

        Args:
            day: The day in whose report it stands.
            break_id: The break.
            state: "explained", "closed", or "open" to take the word back.
            reason: Why, for whoever looks at it later.
            idempotency_key: As for `Payments.create`.
            options: As for `Payments.create`.

        Raises:
            NotFound: The day has no such break, or it is another merchant's.
            InvalidTransition: It is closed already.
        """
        body = ResolveBreakRequest(state, reason)
        key = key_or_new(idempotency_key)
        return self._sender.call(
            Break,
            lambda client: resolve_break.sync_detailed(
                day, path_id(break_id, "break"), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    def _page(
        self,
        day: date,
        break_class: BreakClass | None,
        state: BreakState | None,
        limit: int | None,
        at: str | None,
        options: CallOptions,
    ) -> Reconciliation:
        return self._sender.call(
            Reconciliation,
            lambda client: get_reconciliation.sync_detailed(
                day,
                client=client,
                class_=or_unset(break_class),
                state=or_unset(state),
                limit=or_unset(limit),
                cursor=or_unset(at),
            ),
            options,
        )


class RawReconciliations:
    """`Reconciliations` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Reconciliations) -> None:
        self.list = raw_page(plain.list)
        self.get = raw(plain.get)
        self.breaks = raw_page(plain.breaks)
        self.run = raw(plain.run)
        self.resolve_break = raw(plain.resolve_break)
