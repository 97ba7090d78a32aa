"""Save a card for a customer. It goes to the vault first; only its token is known from here on."""

from typing import Any

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.customers import customer_view, with_payment_method
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.payment_methods import identity_of, payment_method
from payrail.gateway.ports import CardDetails


async def save_payment_method(
    gateway: Gateway, request: Request, customer_id: str, card: CardDetails | None, token: str | None
) -> Rendered:
    """The customer with the card. Raises `CustomerNotFound`, `CardRefused`, `TokenNotFound`, `VaultUnavailable` and
    `TooManyPaymentMethods`."""
    merchant_id = request.caller.merchant_id
    gateway.customers.find(merchant_id, customer_id)
    method = await payment_method(gateway, request, card, token)

    async def save(action: Action) -> Rendered:
        at = action.requested.at
        customer = await gateway.customers.change(
            merchant_id, customer_id, lambda customer: with_payment_method(customer, method, at)
        )
        return Rendered(201, customer_view(customer))

    details: dict[str, Any] = {"token": method.token}
    wish = Wish(
        "save_payment_method", f"POST /customers/{customer_id}/payment-methods", customer_id, details,
        fingerprinted=identity_of(card, method),
    )  # fmt: skip
    return await audited(gateway, request, wish, save)
