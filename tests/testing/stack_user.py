"""A merchant who uses the stack of the fixture `payrail`."""

from typing import Any

from payrail.testing import PayRailStack
from payrail_sdk import NewCardParams, Payment


class Shop:
    """Makes payments on a stack."""

    def __init__(self, stack: PayRailStack) -> None:
        self.stack = stack

    def authorized(self, card: NewCardParams | None = None, **fields: Any) -> Payment:
        """A payment of 49.99 EUR after its authorization, whatever came of it."""
        payments = self.stack.client.payments
        method = card or self.stack.cards.approved
        created = payments.create(**{"amount": 4999, "currency": "EUR", "payment_method": method, **fields})
        return payments.authorize(created.id)

    def state(self, payment: Payment) -> str:
        """The payment's state by now."""
        return self.stack.client.payments.get(payment.id).state

    def fates(self) -> list[str]:
        """What becomes of thirty payments whose fates the seed draws."""
        card = self.stack.cards.of("4111111111111111")
        drawn = [
            self.authorized(card, currency="JPY", merchant_reference=f"order-{number}")
            for number in range(30)
        ]
        return [f"{one.state}-after-{len(one.attempts)}" for one in drawn]
