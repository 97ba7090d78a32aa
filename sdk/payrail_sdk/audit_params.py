"""What the audit trail is asked for, and how it becomes the generated functions' arguments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from .call_options import CallOptions
from .params import zoned

RotationMode = Literal["now", "background"]


class AuditFilters(CallOptions, total=False):
    """Which records to list, and how the call is made. All filters that are given must hold."""

    actor: str | None
    """Done by this user, or by this part of PayRail."""
    action: str | None
    """This type of ledger entry, such as `payment.captured`, or this operation, such as `move_clock`."""
    entity: str | None
    """Done to this."""
    payment_id: str | None
    """Done to this payment, its refunds and its disputes."""
    of_correlation: str | None
    """Caused by the request with this correlation id."""
    created_from: datetime | None
    """Written then or later. Needs a time zone."""
    created_to: datetime | None
    """Written before. Needs a time zone."""


class AccessFilters(CallOptions, total=False):
    """Which accesses to list, and how the call is made. All filters that are given must hold."""

    token: str | None
    """Accesses to this token."""
    caller: Literal["gateway", "jobs", "seed"] | None
    """Accesses by this service."""
    created_from: datetime | None
    """Then or later. Needs a time zone."""
    created_to: datetime | None
    """Before. Needs a time zone."""


def query_of(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the generated function. Raises ValueError for a time without a zone."""
    query = {name: value for name, value in filters.items() if value is not None}
    if "of_correlation" in query:
        query["correlation_id"] = query.pop("of_correlation")
    for value in query.values():
        if isinstance(value, datetime):
            zoned(value)
    return query
