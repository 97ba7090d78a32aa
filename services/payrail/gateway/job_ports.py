"""Ports to the ledger jobs: to have them work, and to what they keep of a day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol


class JobsUnavailable(Exception):
    """The ledger jobs did not answer. Asking again is safe."""

    code = "jobs_unavailable"
    detail = "The ledger jobs did not answer; try again."
    headers: ClassVar = {"Retry-After": "1"}


class JobFailed(Exception):
    """What the ledger jobs were asked for did not come off; `detail` says why. Asking again is safe."""

    code = "job_failed"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Jobs(Protocol):
    """The background jobs over the ledger. Raises `JobsUnavailable`."""

    async def run_due(self, correlation_id: str) -> datetime | None:
        """Have them do all work that is due; return when it is done, with when they will try a webhook again."""
        ...


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
