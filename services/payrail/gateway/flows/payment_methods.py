"""From what pays as the merchant gives it, a card or a token, to what may be known of it."""

from typing import Any

from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.ports import CardDetails
from payrail.ledger.payment_events import PaymentMethod


async def payment_method(
    gateway: Gateway, request: Request, card: CardDetails | None, token: str | None
) -> PaymentMethod:
    """The card, stored in the vault, or the one that the vault has under the token.

    Raises `CardRefused`, `TokenNotFound` and `VaultUnavailable`.
    """
    merchant_id, correlation_id = request.caller.merchant_id, request.correlation_id
    if card is not None:
        return await gateway.vault.tokenize(merchant_id, card, correlation_id)
    return await gateway.vault.describe(merchant_id, token or "", correlation_id)


def identity_of(card: CardDetails | None, method: PaymentMethod) -> dict[str, Any]:
    """What of it counts for a request's fingerprint: the token in place of the number."""
    if card is None:
        return {"token": method.token}
    return {"card": method.token, "exp": [card.exp_month, card.exp_year], "holder_name": card.holder_name}
