"""What the query of a list says: which items, and where to begin."""

from typing import Any

from payrail.runtime.clock import parse_rfc3339, rfc3339
from payrail.runtime.contract_app import Call


def place_of(call: Call) -> dict[str, Any]:
    """`limit` and `cursor`."""
    return {"limit": call.query["limit"], "cursor": call.query.get("cursor")}


def conditions_of(call: Call) -> dict[str, Any]:
    """The filters that are given, their times in the ledger's form."""
    given = {
        name: value
        for name, value in call.query.items()
        if value is not None and name not in ("limit", "cursor")
    }
    for name in ("created_from", "created_to"):
        if name in given:
            given[name] = rfc3339(parse_rfc3339(given[name]))
    return given
