"""The handlers of the gateway by operationId. Each room of `http` brings its own."""

from collections.abc import Awaitable, Callable

from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.http import (
    audit,
    clock,
    customers,
    disputes,
    health,
    merchant_webhooks,
    payments,
    providers,
    reconciliation,
    refunds,
    reports,
    routing,
    settlements,
    webhooks,
)
from payrail.runtime.contract_app import Answer, Call, Handler

GatewayHandler = Callable[[Gateway, Call], Awaitable[Answer]]

HANDLERS: dict[str, GatewayHandler] = {
    **payments.HANDLERS,
    **webhooks.HANDLERS,
    **providers.HANDLERS,
    **routing.HANDLERS,
    **refunds.HANDLERS,
    **disputes.HANDLERS,
    **reports.HANDLERS,
    **settlements.HANDLERS,
    **reconciliation.HANDLERS,
    **merchant_webhooks.HANDLERS,
    **customers.HANDLERS,
    **audit.HANDLERS,
    **clock.HANDLERS,
    **health.HANDLERS,
}


class Handlers:
    """The handlers bound to a gateway, which is there from the start of the app's lifespan to its end."""

    gateway: Gateway

    def table(self) -> dict[str, Handler]:
        """The bound handlers by operationId."""
        return {operation: self._bound(handler) for operation, handler in HANDLERS.items()}

    def _bound(self, handler: GatewayHandler) -> Handler:
        def handle(call: Call) -> Awaitable[Answer]:
            return handler(self.gateway, call)

        return handle
