"""Ports to what the ledger jobs keep of a day. Where nobody answers they raise `ports.JobsUnavailable`."""

from collections.abc import Mapping
from typing import Any, Protocol


class SettlementJobs(Protocol):
    """Settled days, through the ledger jobs. Raises `JobsUnavailable`, and `SettlementNotFound` for a day without.

    What comes back is the contract's; times in it are the ledger's RFC 3339 UTC.
    """

    async def list(
        self, merchant_id: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        """A page of the merchant's days. Raises `InvalidCursor`."""
        ...

    async def page(
        self, merchant_id: str, date: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        """The merchant's day, with a page of its rows. Raises `InvalidCursor`."""
        ...

    async def csv(self, merchant_id: str, date: str, correlation_id: str) -> str:
        """All of the merchant's rows of the day."""
        ...

    async def generate(self, date: str, requester: Mapping[str, str], correlation_id: str) -> None:
        """Have a day settled; return when it is done. Raises `FutureDay` and `JobFailed`."""
        ...


class ReconciliationJobs(Protocol):
    """Reconciled days, through the ledger jobs. Raises `JobsUnavailable`, and `ReconciliationNotFound` for what is not
    there. What comes back is the contract's."""

    async def list(
        self, merchant_id: str, correlation_id: str, *, limit: int, cursor: str | None
    ) -> Mapping[str, Any]:
        """A page of days, each with what was found of the merchant. Raises `InvalidCursor`."""
        ...

    async def day(
        self, merchant_id: str, date: str, correlation_id: str, wanted: Mapping[str, str], *, limit: int,
        cursor: str | None,
    ) -> Mapping[str, Any]:  # fmt: skip
        """The merchant's day, with a page of the breaks of the `class` and `state` that are wanted. `InvalidCursor`."""
        ...

    async def run(self, date: str, requester: Mapping[str, str], correlation_id: str) -> None:
        """Have a day reconciled; return when it is done. Raises `FutureDay` and `JobFailed`."""
        ...

    async def resolve_break(
        self, date: str, break_id: str, word: Mapping[str, str], correlation_id: str
    ) -> Mapping[str, Any]:
        """Write down what a user says of a break. Raises `BreakTransitionInvalid`."""
        ...
