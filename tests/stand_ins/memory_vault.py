"""A vault in memory: one token for each card of a merchant, and no card for anybody else."""

from payrail.gateway.ports import CardDetails, TokenNotFound, VaultUnavailable
from payrail.ledger.payment_events import PaymentMethod


class MemoryVault:
    """`Vault` for tests. While it is `down`, every call raises `VaultUnavailable`."""

    def __init__(self) -> None:
        self.down = False
        self._cards: dict[tuple[str, str], CardDetails] = {}

    async def tokenize(self, merchant_id: str, card: CardDetails, correlation_id: str) -> PaymentMethod:
        self._require_up(correlation_id)
        known = next(
            (t for (m, t), c in self._cards.items() if m == merchant_id and c.number == card.number), None
        )
        token = known or f"tok_01JD{len(self._cards) + 1:A>22}"
        self._cards[merchant_id, token] = card
        return await self.describe(merchant_id, token, correlation_id)

    async def describe(self, merchant_id: str, token: str, correlation_id: str) -> PaymentMethod:
        card = await self.charge_token(merchant_id, token, correlation_id)
        return PaymentMethod(
            token,
            "visa",
            card.number[:6],
            card.number[-4:],
            card.exp_month,
            card.exp_year,
            f"fp_{card.number[-4:]}",
        )

    async def charge_token(self, merchant_id: str, token: str, correlation_id: str) -> CardDetails:
        self._require_up(correlation_id)
        card = self._cards.get((merchant_id, token))
        if card is None:
            raise TokenNotFound
        return card

    def _require_up(self, correlation_id: str) -> None:
        assert correlation_id
        if self.down:
            raise VaultUnavailable
