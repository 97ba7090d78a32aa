"""Disputes, asynchronous. What each method promises stands in `disputes`, which has the same methods."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import AsyncSender
from ._settings import idempotency_key as key_or_new
from .call_options import CallOptions
from .gateway.api.disputes import (
    get_dispute,
    list_disputes,
    open_dispute,
    resolve_dispute,
    submit_evidence,
)
from .gateway.models import (
    Dispute,
    DisputeList,
    DisputeOutcome,
    DisputeState,
    OpenDisputeRequest,
    ResolveDisputeRequest,
    SubmitEvidenceRequest,
)
from .pages import AsyncListing, Page
from .params import one_or_more, or_unset, path_id
from .raw_response import async_raw, async_raw_page


class AsyncDisputes:
    """As `Disputes`, with `await` and `async for`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawDisputes":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawDisputes(self)

    async def open(
        self,
        *,
        payment_id: str,
        reason: str,
        amount: int | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """Open a dispute at the provider. The money and a fee leave at once; `OPENING` until the provider confirmed.

        See `Disputes.open`.
        """
        body = OpenDisputeRequest(payment_id, reason, or_unset(amount))
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Dispute,
            lambda client: open_dispute.asyncio_detailed(client=client, body=body, idempotency_key=key),
            options,
        )

    async def get(
        self,
        dispute_id: str,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """The dispute as it stands now.

        See `Disputes.get`.
        """
        return await self._sender.call(
            Dispute,
            lambda client: get_dispute.asyncio_detailed(path_id(dispute_id, "dispute"), client=client),
            options,
        )

    def list(
        self,
        *,
        payment_id: str | None = None,
        state: DisputeState | Sequence[DisputeState] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncListing[Dispute]:
        """Disputes, newest first; pages are fetched while you iterate.

        See `Disputes.list`.
        """

        async def fetch(at: str | None) -> Page[Dispute]:
            page = await self._sender.call(
                DisputeList,
                lambda client: list_disputes.asyncio_detailed(
                    client=client,
                    payment_id=or_unset(payment_id),
                    state=one_or_more(state),
                    limit=or_unset(limit),
                    cursor=or_unset(at),
                ),
                options,
            )
            return Page(page.data, page.next_cursor)

        return AsyncListing(fetch, cursor)

    async def submit_evidence(
        self,
        dispute_id: str,
        *,
        kind: str,
        text: str,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """Answer the dispute, once and before `respond_by`; it is then `UNDER_REVIEW`.

        See `Disputes.submit_evidence`.
        """
        body = SubmitEvidenceRequest(kind, text)
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Dispute,
            lambda client: submit_evidence.asyncio_detailed(
                path_id(dispute_id, "dispute"), client=client, body=body, idempotency_key=key
            ),
            options,
        )

    async def resolve(
        self,
        dispute_id: str,
        outcome: DisputeOutcome,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Dispute:
        """End the dispute: "WON", which takes evidence and brings the money back, or "LOST".

        See `Disputes.resolve`.
        """
        body = ResolveDisputeRequest(outcome)
        key = key_or_new(idempotency_key)
        return await self._sender.call(
            Dispute,
            lambda client: resolve_dispute.asyncio_detailed(
                path_id(dispute_id, "dispute"), client=client, body=body, idempotency_key=key
            ),
            options,
        )


class AsyncRawDisputes:
    """As `RawDisputes`, with `await`."""

    def __init__(self, plain: AsyncDisputes) -> None:
        self.open = async_raw(plain.open)
        self.get = async_raw(plain.get)
        self.list = async_raw_page(plain.list)
        self.submit_evidence = async_raw(plain.submit_evidence)
        self.resolve = async_raw(plain.resolve)
