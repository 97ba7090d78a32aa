"""Settled days, blocking."""

from datetime import date
from http import HTTPStatus
from typing import Unpack

import httpx

from ._senders import Sender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway import Client
from .gateway.api.settlements import generate_settlement, get_settlement, list_settlements
from .gateway.models import Settlement, SettlementList, SettlementRow, SettlementSummary
from .gateway.types import Response
from .pages import Listing, Page
from .params import or_unset
from .raw_response import raw, raw_page


class Settlements:
    """What each day of captures, refunds and disputes comes to, and is paid out. Days are UTC."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawSettlements":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawSettlements(self)

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, **options: Unpack[CallOptions]
    ) -> Listing[SettlementSummary]:
        """The settled days with their totals, newest first; pages are fetched while you iterate.

        Args:
            limit: How many in a page, 1 to 100 (default 20). It bounds the pages, not the list.
            cursor: Where to begin: a page's `next_cursor`.
            options: See `CallOptions`; they hold for every page.
        """

        def fetch(at: str | None) -> Page[SettlementSummary]:
            page = self._sender.call(
                SettlementList,
                lambda client: list_settlements.sync_detailed(
                    client=client, limit=or_unset(limit), cursor=or_unset(at)
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def get(self, day: date, **options: Unpack[CallOptions]) -> Settlement:
        """A day's totals and the first of its rows; `rows` has all of them.

        Raises:
            NotFound: The day was never settled, or nothing of it is yours.
        """
        return self._page(day, None, None, options)

    def rows(
        self,
        day: date,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[SettlementRow]:
        """A day's movements of money, by currency and place in the ledger; pages are fetched while you iterate.

        Amounts are minor units; what leaves is negative. Raises as `get`.
        """

        def fetch(at: str | None) -> Page[SettlementRow]:
            page = self._page(day, limit, at, options)
            return Page(page.data, page.next_cursor)

        return Listing(fetch, cursor)

    def csv(self, day: date, **options: Unpack[CallOptions]) -> str:
        """All rows of a day as CSV, with a header. Raises as `get`."""
        return self._sender.call(str, lambda client: _csv(client, day), options)

    def generate(
        self, day: date, *, idempotency_key: str | None = None, **options: Unpack[CallOptions]
    ) -> SettlementSummary:
        """Settle a day now, as far as it can be; a day that is over is settled once, however often this is called.

        Needs the role admin.

        Raises:
            InvalidRequest: The day has not begun (`future_date`).
            ServiceUnavailable: The job failed (`job_failed`, whose `detail` says why), or nobody answers for the
                jobs (`jobs_unavailable`).
        """
        key = key_or_new(idempotency_key)
        return self._sender.call(
            SettlementSummary,
            lambda client: generate_settlement.sync_detailed(day, client=client, idempotency_key=key),
            options,
        )

    def _page(self, day: date, limit: int | None, at: str | None, options: CallOptions) -> Settlement:
        return self._sender.call(
            Settlement,
            lambda client: get_settlement.sync_detailed(
                day, client=client, limit=or_unset(limit), cursor=or_unset(at)
            ),
            options,
        )


class RawSettlements:
    """`Settlements` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Settlements) -> None:
        self.list = raw_page(plain.list)
        self.get = raw(plain.get)
        self.rows = raw_page(plain.rows)
        self.csv = raw(plain.csv)
        self.generate = raw(plain.generate)


def csv_request(day: date) -> dict[str, object]:
    """The request for a day's rows as CSV: the generated client only ever asks for JSON."""
    return {"method": "get", "url": f"/settlements/{day.isoformat()}", "headers": {"Accept": "text/csv"}}


def csv_answer(response: httpx.Response) -> Response[str]:
    """The answer as the generated client would hand it over."""
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=response.text,
    )


def _csv(client: Client, day: date) -> Response[str]:
    return csv_answer(client.get_httpx_client().request(**csv_request(day)))  # type: ignore[arg-type]
