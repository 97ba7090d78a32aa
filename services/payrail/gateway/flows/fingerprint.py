"""The fingerprint of a request: what must be the same for a repeated idempotency key to mean the same request."""

from hashlib import sha256
from typing import Any

import orjson


def fingerprint(body: dict[str, Any]) -> str:
    """SHA-256 in hex over the canonical body: sorted keys, no white space. Card number and CVC are left out."""
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


#: The fingerprint of a request whose body does not count.
NO_BODY = fingerprint({})
