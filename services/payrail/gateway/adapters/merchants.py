"""Merchants, their keys and price plans: `data/merchants/merchants.json`. Keys are kept as hashes only."""

import hmac
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from payrail.gateway.domain.pricing import ANY_BRAND, DEFAULT_PLAN, InterchangePlusPlus, PricePlan
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
    price_plan: PricePlan = DEFAULT_PLAN


class MerchantsInvalid(Exception):
    """The file cannot be taken as it is; the message says what is wrong with it, and where."""


class MerchantsFile:
    """The merchants of one data directory; the first start makes `m_demo` and `m_acme`."""

    def __init__(self, path: Path, demo_key: str) -> None:
        """Read the file, or make it. `demo_key` is `m_demo`'s operator key; a new value takes the old one's place.

        Raises `MerchantsInvalid`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path.with_suffix(".lock")):
            stored = _read(path) if path.exists() else []
            merchants = _with_demo_key(stored or _first_merchants(), demo_key)
            if merchants != stored:
                text = msgspec.json.format(msgspec.json.encode(merchants), indent=2)
                replace_file(path, [text + b"\n"])
        self._plans = {merchant.id: merchant.price_plan for merchant in merchants}
        self._holders = {
            key.key_sha256: (key.key_sha256, Holder(merchant.id, key.user_id, key.role))
            for merchant in merchants
            for key in merchant.keys
        }

    def __contains__(self, merchant_id: str) -> bool:
        return merchant_id in self._plans

    def plan_of(self, merchant_id: str) -> PricePlan:
        """The merchant's price plan, the usual one for a merchant who is not there any more."""
        return self._plans.get(merchant_id, DEFAULT_PLAN)

    def holder(self, key: str) -> Holder | None:
        """Whose key this is. Looking up a hash tells nothing of the key by the time it takes."""
        digest = _sha256(key)
        known = self._holders.get(digest)
        return known[1] if known and hmac.compare_digest(known[0], digest) else None


def _read(path: Path) -> list[Merchant]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Merchant])
    except msgspec.MsgspecError as error:
        raise MerchantsInvalid(f"{path.name}: {error}") from None


def _first_merchants() -> list[Merchant]:
    """One with the usual prices, one large enough to pay interchange, the scheme's fee and a markup."""
    acme = InterchangePlusPlus(
        interchange_basis_points={"visa": 165, "mastercard": 170, "amex": 240, ANY_BRAND: 200},
        scheme_basis_points=14,
        markup_basis_points=30,
        markup_fixed=10,
    )
    return [Merchant(DEMO_MERCHANT, "Demo Shop"), Merchant("m_acme", "Acme Corporation", price_plan=acme)]


def _with_demo_key(merchants: list[Merchant], demo_key: str) -> list[Merchant]:
    demo = MerchantKey(DEMO_USER, "operator", _sha256(demo_key))
    return [
        replace(m, keys=[demo, *(key for key in m.keys if key.user_id != DEMO_USER)])
        if m.id == DEMO_MERCHANT
        else m
        for m in merchants
    ]


def _sha256(key: str) -> str:
    return sha256(key.encode()).hexdigest()
