"""Create a payment from a card or a token. The card goes to the vault first; only its token is known from here on."""

from typing import Any

from payrail.gateway.domain import payments
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.idempotency import Earlier
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.replay import answer_again, answer_once
from payrail.gateway.ports import CardDetails
from payrail.ledger.money import exponent
from payrail.ledger.payment_events import PaymentCreated, PaymentMethod
from payrail.ledger.state import Committed

OPERATION = "POST /payments"


async def create_payment(
    gateway: Gateway, request: Request, *, card: CardDetails | None, token: str | None, terms: dict[str, Any]
) -> Rendered:
    """Create the payment that `terms` (the contract's body without the payment method) describe.

    Raises `UnknownCurrency`, `CardRefused`, `TokenNotFound`, `VaultUnavailable` before anything is written.
    """
    exponent(terms["currency"])
    method = await _payment_method(gateway, request, card, token)
    claim = request.claim(OPERATION, fingerprint({**terms, "payment_method": _identity(card, method)}))
    data = PaymentCreated(
        merchant_id=request.caller.merchant_id,
        amount=terms["amount"],
        currency=terms["currency"],
        capture_method=terms["capture_method"],
        country=terms["country"],
        payment_method=method,
        merchant_reference=terms.get("merchant_reference"),
        description=terms.get("description"),
        metadata=terms.get("metadata") or {},
    )
    decide = payments.create_payment(gateway.new_id("pay"), data, claim, gateway.origin_of(request))
    result = await gateway.journal.append("payments", decide)
    match result:
        case Committed():
            return answer_once(result)
        case Earlier(held):
            return answer_again(gateway, held)


async def _payment_method(
    gateway: Gateway, request: Request, card: CardDetails | None, token: str | None
) -> PaymentMethod:
    merchant_id, correlation_id = request.caller.merchant_id, request.correlation_id
    if card is not None:
        return await gateway.vault.tokenize(merchant_id, card, correlation_id)
    return await gateway.vault.describe(merchant_id, token or "", correlation_id)


def _identity(card: CardDetails | None, method: PaymentMethod) -> dict[str, Any]:
    """What of the payment method counts for the fingerprint: the token in place of the number."""
    if card is None:
        return {"token": method.token}
    return {"card": method.token, "exp": [card.exp_month, card.exp_year], "holder_name": card.holder_name}
