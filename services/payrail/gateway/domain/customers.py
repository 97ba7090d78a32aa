"""A merchant's customers, with the cards that are saved for them. They move no money and are in no ledger."""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from payrail.gateway.domain.errors import Refusal
from payrail.ledger.payment_events import PaymentMethod

PAYMENT_METHODS_MAX = 50


class CustomerNotFound(Refusal):
    """No such customer, or another merchant's: nobody can tell the two apart."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("No customer with this id.")


class NoSuchCustomer(Refusal):
    """A request names a customer that its merchant does not have."""

    code = "customer_not_found"

    def __init__(self) -> None:
        super().__init__("No customer of yours has this id.")


class TooManyPaymentMethods(Refusal):
    """As many cards are saved as one customer can have."""

    code = "too_many_payment_methods"

    def __init__(self) -> None:
        super().__init__(f"A customer can have {PAYMENT_METHODS_MAX} saved cards.")


class Customer(Struct, frozen=True, omit_defaults=True):
    """Somebody who pays. Times are RFC 3339 UTC."""

    id: str
    merchant_id: str
    created_at: str
    updated_at: str
    name: str | None = None
    email: str | None = None
    merchant_reference: str | None = None
    description: str | None = None
    metadata: dict[str, str] = {}
    payment_methods: tuple[PaymentMethod, ...] = ()


def with_payment_method(customer: Customer, method: PaymentMethod, at: str) -> Customer:
    """The customer with the card saved; one that was saved before is taken as it is now. `TooManyPaymentMethods`."""
    others = tuple(saved for saved in customer.payment_methods if saved.token != method.token)
    if len(others) == PAYMENT_METHODS_MAX:
        raise TooManyPaymentMethods
    return replace(customer, payment_methods=(*others, method), updated_at=at)


def customer_view(customer: Customer) -> dict[str, Any]:
    """The contract's `Customer`."""
    return {
        **msgspec.structs.asdict(customer),
        "payment_methods": [msgspec.structs.asdict(method) for method in customer.payment_methods],
    }
