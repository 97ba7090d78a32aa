"""Look at a dead letter."""

from typing import Any

from payrail.gateway.flows.gateway import Caller, Gateway


async def get_dead_letter(
    gateway: Gateway, caller: Caller, letter_id: str, correlation_id: str
) -> dict[str, Any]:
    """The contract's `DeadLetter`. Raises `DeadLetterNotFound`."""
    return dict(await gateway.outbox.dead_letter(caller.merchant_id, letter_id, correlation_id))
