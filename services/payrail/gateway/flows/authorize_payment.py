"""Authorize a payment: fetch the card, write the intent, ask the providers one after the other."""

from payrail.gateway.domain import payments
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.fingerprint import NO_BODY
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.operation import answered_before, find_payment, run_operation
from payrail.gateway.flows.settle_authorization import ask_providers, resume_authorization


async def authorize_payment(gateway: Gateway, request: Request, payment_id: str, cvc: str | None) -> Rendered:
    """200 with the payment once a provider's word is known, 202 while it is not.

    The card comes out of the vault before the intent, so that a vault that is down refuses the request with nothing
    written. Raises `PaymentNotFound`, `InvalidTransition`, `VaultUnavailable`, `CardUnreadable`,
    `NoProvider` and what the key refuses.
    """
    payment = await find_payment(gateway, request.caller.merchant_id, payment_id)
    claim = request.claim(f"POST /payments/{payment_id}/authorize", NO_BODY)
    if replay := answered_before(gateway, claim):
        return replay
    if claim.scope not in gateway.journal.state.claims:
        payments.require_not_begun(payment)
    card = await gateway.vault.charge_token(
        payment.merchant_id, payment.payment_method.token, request.correlation_id
    )
    return await run_operation(
        gateway, request, "payments", claim,
        begin=lambda reserved, origin: payments.begin_authorization(
            payment_id, claim, reserved, origin, router=gateway.router(reserved.attempt_id)
        ),
        settle=ask_providers,
        resume=resume_authorization,
        card=card,
        cvc=cvc,
    )  # fmt: skip
