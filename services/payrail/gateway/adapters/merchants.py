"""Merchants and their keys: `data/merchants/merchants.json`. Keys are kept as hashes only."""

import hmac
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from payrail.gateway.ports import Holder
from payrail.runtime.durable_file import exclusive, replace_file

DEMO_MERCHANT = "m_demo"
DEMO_USER = "key_demo"


class MerchantKey(Struct, frozen=True):
    """A key's holder; the key itself is not here, only its SHA-256 in hex."""

    user_id: str
    role: str
    key_sha256: str


class Merchant(Struct, frozen=True):
    id: str
    name: str
    keys: list[MerchantKey] = []


class MerchantsFile:
    """The merchants of one data directory; the first start makes `m_demo` and `m_acme`."""

    def __init__(self, path: Path, demo_key: str) -> None:
        """Read the file, or make it. `demo_key` is `m_demo`'s operator key; a new value takes the old one's place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path.with_suffix(".lock")):
            stored = msgspec.json.decode(path.read_bytes(), type=list[Merchant]) if path.exists() else []
            merchants = _with_demo_key(stored or _first_merchants(), demo_key)
            if merchants != stored:
                text = msgspec.json.format(msgspec.json.encode(merchants), indent=2)
                replace_file(path, [text + b"\n"])
        self._ids = {merchant.id for merchant in merchants}
        self._holders = {
            key.key_sha256: (key.key_sha256, Holder(merchant.id, key.user_id, key.role))
            for merchant in merchants
            for key in merchant.keys
        }

    def __contains__(self, merchant_id: str) -> bool:
        return merchant_id in self._ids

    def holder(self, key: str) -> Holder | None:
        """Whose key this is. Looking up a hash tells nothing of the key by the time it takes."""
        digest = _sha256(key)
        known = self._holders.get(digest)
        return known[1] if known and hmac.compare_digest(known[0], digest) else None


def _first_merchants() -> list[Merchant]:
    return [Merchant(DEMO_MERCHANT, "Demo Shop"), Merchant("m_acme", "Acme Corporation")]


def _with_demo_key(merchants: list[Merchant], demo_key: str) -> list[Merchant]:
    demo = MerchantKey(DEMO_USER, "operator", _sha256(demo_key))
    return [
        Merchant(m.id, m.name, [demo, *(key for key in m.keys if key.user_id != DEMO_USER)])
        if m.id == DEMO_MERCHANT
        else m
        for m in merchants
    ]


def _sha256(key: str) -> str:
    return sha256(key.encode()).hexdigest()
