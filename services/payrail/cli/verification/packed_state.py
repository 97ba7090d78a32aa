"""The ledger's state for a single pass over a long ledger: what has not moved for a while is kept packed.

The gateway keeps every payment ready to be read; a proof reads each entry once, and a payment's entries lie close to
each other. So only the newest stay objects, and the others become compressed bytes, several times smaller.
"""

import zlib
from hashlib import blake2b
from typing import Any

import msgspec

from payrail.ledger.claims import HeldClaim, Scope
from payrail.ledger.payment import Payment
from payrail.ledger.state import LedgerState

HOT_MAX = 4_096
_DIGEST_BYTES = 16


class PackedState(LedgerState):
    """`LedgerState` whose `latest_payment` and `latest_claim` know everything, while `payments` and `claims` hold the
    newest only."""

    def __init__(self, hot_max: int = HOT_MAX) -> None:
        super().__init__()
        self._hot_max = hot_max
        self._cold_payments: dict[str, bytes] = {}
        self._cold_claims: dict[bytes, bytes] = {}
        self._payment_packer = _Packer(Payment)
        self._claim_packer = _Packer(HeldClaim)

    def latest_payment(self, payment_id: str) -> Payment | None:
        hot = super().latest_payment(payment_id)
        if hot is not None or payment_id not in self._cold_payments:
            return hot
        payment: Payment = self._payment_packer.unpack(self._cold_payments[payment_id])
        return payment

    def latest_claim(self, scope: Scope) -> HeldClaim | None:
        hot = super().latest_claim(scope)
        if hot is not None or scope in self._staged_claims:
            return hot
        packed = self._cold_claims.get(_digest(scope))
        held: HeldClaim | None = None if packed is None else self._claim_packer.unpack(packed)
        return held

    def publish(self) -> None:
        for scope, held in self._staged_claims.items():
            if held is None:
                self._cold_claims.pop(_digest(scope), None)
        super().publish()
        if len(self.payments) > self._hot_max or len(self.claims) > 4 * self._hot_max:
            self._pack()

    def _pack(self) -> None:
        for payment_id, payment in self.payments.items():
            self._cold_payments[payment_id] = self._payment_packer.pack(payment)
        for scope, held in self.claims.items():
            self._cold_claims[_digest(scope)] = self._claim_packer.pack(held)
        self.payments.clear()
        self.claims.clear()
        self.payments_of.clear()


class _Packer:
    """MessagePack, compressed against the first value: all of them look alike."""

    def __init__(self, kind: type[Any]) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._sample = b""

    def pack(self, value: Any) -> bytes:
        data = self._encoder.encode(value)
        self._sample = self._sample or data
        compressor = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS, zdict=self._sample)
        return compressor.compress(data) + compressor.flush()

    def unpack(self, packed: bytes) -> Any:
        decompressor = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=self._sample)
        return self._decoder.decode(decompressor.decompress(packed))


def _digest(scope: Scope) -> bytes:
    return blake2b(msgspec.msgpack.encode(scope), digest_size=_DIGEST_BYTES).digest()
