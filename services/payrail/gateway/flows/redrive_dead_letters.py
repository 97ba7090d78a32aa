"""Send dead letters again: one, or all of a merchant's."""

from payrail.gateway.domain.actions import Action
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.audited import Wish, audited
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_dead_letter import get_dead_letter


async def redrive_dead_letter(gateway: Gateway, request: Request, letter_id: str) -> Rendered:
    """The contract's `DeadLetter`. Raises `DeadLetterNotFound` and `EndpointDisabled`."""
    await get_dead_letter(gateway, request.caller, letter_id, request.correlation_id)

    async def redrive(_action: Action) -> Rendered:
        letter = await gateway.outbox.redrive(request.caller.merchant_id, letter_id, request.correlation_id)
        return Rendered(202, dict(letter))

    wish = Wish("redrive_dead_letter", f"POST /dead-letters/{letter_id}/redrive", letter_id)
    return await audited(gateway, request, wish, redrive)


async def redrive_dead_letters(gateway: Gateway, request: Request) -> Rendered:
    """The contract's `RedrivenDeadLetters`."""

    async def redrive(_action: Action) -> Rendered:
        redriven = await gateway.outbox.redrive_all(request.caller.merchant_id, request.correlation_id)
        return Rendered(202, dict(redriven))

    wish = Wish("redrive_dead_letters", "POST /dead-letters/redrive", "dead_letters")
    return await audited(gateway, request, wish, redrive)
