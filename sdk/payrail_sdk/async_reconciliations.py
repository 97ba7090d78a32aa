"""Reconciled days, asynchronous. What each method promises stands in `reconciliations`, which has the same methods."""

from datetime import date
from typing import Unpack

from ._senders import AsyncSender
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
from .pages import AsyncListing, Page
from .params import or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncReconciliations:
    """As `Reconciliations`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawReconciliations":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawReconciliations(self)

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> AsyncListing[ReconciliationSummary]:
        """The reconciled days with their counts, newest first. See `Reconciliations.list`."""

        async def fetch(at: str | None) -> Page[ReconciliationSummary]:
            page = await self._sender.call(
                ReconciliationList,
                lambda client: list_reconciliations.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def get(self, day: date, **options: Unpack[CallOptions]) -> Reconciliation:
        """A day's counts, sums, and the first of its breaks. See `Reconciliations.get`."""
        return await self._page(day, None, None, None, None, options)

    def breaks(
        self,
        day: date,
        *,
        break_class: BreakClass | None = None,
        state: BreakState | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[Break]:
        """A day's breaks in the order of the report. See `Reconciliations.breaks`."""

        async def fetch(at: str | None) -> Page[Break]:
            page = await self._page(day, break_class, state, limit, at, options)
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def run(
        self, day: date, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> Reconciliation:
        """Reconcile a day now. See `Reconciliations.run`."""
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Reconciliation,
            lambda client: run_reconciliation.asyncio_detailed(day, client=client, idempotency_key=key),
            options,
        )

    async def resolve_break(
        self,
        day: date,
        break_id: str,
        state: BreakState,
        *,
        reason: str,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Break:
        """Say of a break that it is explained or closed, and why. See `Reconciliations.resolve_break`."""
        body = ResolveBreakRequest(state, reason)
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Break,
            lambda client: resolve_break.asyncio_detailed(
                day, path_id(break_id, "break"), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    async def _page(
        self,
        day: date,
        break_class: BreakClass | None,
        state: BreakState | None,
        limit: int | None,
        at: str | None,
        options: CallOptions,
    ) -> Reconciliation:
        return await self._sender.call(
            Reconciliation,
            lambda client: get_reconciliation.asyncio_detailed(
                day,
                client=client,
                class_=or_unset(break_class),
                state=or_unset(state),
                limit=or_unset(limit),
                cursor=or_unset(at),
            ),
            options,
        )


class AsyncRawReconciliations:
    """As `RawReconciliations`, with `await`."""

    def __init__(self, plain: AsyncReconciliations) -> None:
        self.list = async_raw_page(plain.list)
        self.get = async_raw(plain.get)
        self.breaks = async_raw_page(plain.breaks)
        self.run = async_raw(plain.run)
        self.resolve_break = async_raw(plain.resolve_break)
