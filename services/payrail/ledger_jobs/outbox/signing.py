"""The secrets of endpoints, and signatures as Standard Webhooks has them.

An endpoint's secret is derived from its id and one key, so that no secret is stored and an answer that shows one can be
given again. The key is in `data/outbox/signing_key.json`, which only its owner may read.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from standardwebhooks.webhooks import Webhook

from payrail.runtime.durable_file import replace_file

KEY_FILE = "signing_key.json"
KEY_BYTES = 32
_OWNER_ONLY = 0o600


class _Stored(Struct, forbid_unknown_fields=True):
    key: bytes


class SigningKeys:
    """Makes the secrets of endpoints."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def open(cls, directory: Path) -> "SigningKeys":
        """The key of this data directory, made at the first start. Raises ValueError where the file is none."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / KEY_FILE
        if not path.exists():
            stored = _Stored(secrets.token_bytes(KEY_BYTES))
            replace_file(path, [msgspec.json.encode(stored), b"\n"], mode=_OWNER_ONLY)
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> "SigningKeys":
        """The key in a file. Raises ValueError where it is none."""
        try:
            key = msgspec.json.decode(path.read_bytes(), type=_Stored).key
        except msgspec.DecodeError:
            raise ValueError(f"{path.name} holds no signing key") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"{path.name} holds a key of another length")
        return cls(key)

    def text(self) -> bytes:
        """The key as it stands in its file."""
        return base64.b64encode(self._key)

    def secret_of(self, endpoint_id: str) -> str:
        """The endpoint's secret as its merchant keeps it: `whsec_…`."""
        derived = hmac.digest(self._key, endpoint_id.encode(), hashlib.sha256)
        return f"whsec_{base64.b64encode(derived).decode()}"


def signed_headers(secret: str, event_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks. `sent_at` is wall time: receivers' libraries compare it with theirs."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, sent_at, body.decode()),
    }
