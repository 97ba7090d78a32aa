"""Settled days, asynchronous. What each method promises stands in `settlements`, which has the same methods."""

from datetime import date
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway import Client
from .gateway.api.settlements import generate_settlement, get_settlement, list_settlements
from .gateway.models import Settlement, SettlementList, SettlementRow, SettlementSummary
from .gateway.types import Response
from .pages import AsyncListing, Page
from .params import or_unset
from .raw_response import async_raw, async_raw_page
from .settlements import csv_answer, csv_request


class AsyncSettlements:
    """As `Settlements`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawSettlements":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawSettlements(self)

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> AsyncListing[SettlementSummary]:
        """The settled days with their totals, newest first; pages are fetched while you iterate.

        See `Settlements.list`.
        """

        async def fetch(at: str | None) -> Page[SettlementSummary]:
            page = await self._sender.call(
                SettlementList,
                lambda client: list_settlements.asyncio_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def get(self, day: date, **options: Unpack[CallOptions]) -> Settlement:
        """A day's totals and the first of its rows; `rows` has all of them. See `Settlements.get`."""
        return await self._page(day, None, None, options)

    def rows(
        self,
        day: date,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[SettlementRow]:
        """A day's movements of money, by currency and place in the ledger; pages are fetched while you iterate.

        See `Settlements.rows`.
        """

        async def fetch(at: str | None) -> Page[SettlementRow]:
            page = await self._page(day, limit, at, options)
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def csv(self, day: date, **options: Unpack[CallOptions]) -> str:
        """All rows of a day as CSV, with a header. See `Settlements.csv`."""
        return await self._sender.call(str, lambda client: _csv(client, day), options)

    async def generate(
        self, day: date, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> SettlementSummary:
        """Settle a day now, as far as it can be; a day that is over is settled once, however often this is called.

        See `Settlements.generate`.
        """
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            SettlementSummary,
            lambda client: generate_settlement.asyncio_detailed(day, client=client, idempotency_key=key),
            options,
        )

    async def _page(self, day: date, limit: int | None, at: str | None, options: CallOptions) -> Settlement:
        return await self._sender.call(
            Settlement,
            lambda client: get_settlement.asyncio_detailed(
                day, client=client, limit=or_unset(limit), cursor=or_unset(at)
            ),
            options,
        )


class AsyncRawSettlements:
    """As `RawSettlements`, with `await`."""

    def __init__(self, plain: AsyncSettlements) -> None:
        self.list = async_raw_page(plain.list)
        self.get = async_raw(plain.get)
        self.rows = async_raw_page(plain.rows)
        self.csv = async_raw(plain.csv)
        self.generate = async_raw(plain.generate)


async def _csv(client: Client, day: date) -> Response[str]:
    return csv_answer(await client.get_async_httpx_client().request(**csv_request(day)))  # type: ignore[arg-type]
