"""What was asked of a gateway last, as its log has it."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from payrail.runtime.rotated_file import parts_of

_SHOWN_MAX = 10


def latest_requests(log: Path) -> list[str]:
    """One line for each of the latest requests, the oldest first; whoever made them, but no provider's webhooks."""
    requests = (one for one in _records(log) if _is_a_users(one))
    return [_shown(one) for one in deque(requests, _SHOWN_MAX)]


def _records(log: Path) -> Iterator[dict[str, Any]]:
    for part in parts_of(log):
        with part.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield orjson.loads(line)


def _is_a_users(record: dict[str, Any]) -> bool:
    return (
        record.get("service") == "gateway"
        and "route" in record
        and record["operation"] != "receive_provider_webhook"
    )


def _shown(record: dict[str, Any]) -> str:
    code = record.get("code")
    outcome = f"{record['status']} {code}" if code else str(record["status"])
    return f"  {record['method']} {record['route']}: {outcome}  ({record['correlation_id']})"
