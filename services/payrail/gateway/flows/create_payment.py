"""Create a payment from a card or a token. The card goes to the vault first; only its token is known from here on."""

from typing import Any

from payrail.gateway.domain import payments
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.customers import CustomerNotFound, NoSuchCustomer
from payrail.gateway.domain.idempotency import Earlier
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.payment_methods import identity_of, payment_method
from payrail.gateway.flows.replay import answer_again, answer_once
from payrail.gateway.ports import CardDetails
from payrail.ledger.money import exponent
from payrail.ledger.payment_events import PaymentCreated
from payrail.ledger.state import Committed

OPERATION = "POST /payments"


async def create_payment(
    gateway: Gateway, request: Request, *, card: CardDetails | None, token: str | None, terms: dict[str, Any]
) -> Rendered:
    """Create the payment that `terms` (the contract's body without the payment method) describe.

    Raises `UnknownCurrency`, `NoSuchCustomer`, `CardRefused`, `TokenNotFound`, `VaultUnavailable` before anything is
    written.
    """
    exponent(terms["currency"])
    customer_id = terms.get("customer_id")
    if customer_id is not None:
        _require_customer(gateway, request.caller.merchant_id, customer_id)
    method = await payment_method(gateway, request, card, token)
    claim = request.claim(OPERATION, fingerprint({**terms, "payment_method": identity_of(card, method)}))
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
        customer_id=customer_id,
    )
    decide = payments.create_payment(gateway.new_id("pay"), data, claim, gateway.origin_of(request))
    result = await gateway.journal.append("payments", decide)
    match result:
        case Committed():
            return answer_once(result)
        case Earlier(held):
            return answer_again(gateway, held)


def _require_customer(gateway: Gateway, merchant_id: str, customer_id: str) -> None:
    try:
        gateway.customers.find(merchant_id, customer_id)
    except CustomerNotFound:
        raise NoSuchCustomer from None
