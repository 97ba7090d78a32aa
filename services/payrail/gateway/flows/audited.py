"""Audited actions: written down before they are done and after, and done once for each idempotency key."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from payrail.gateway.domain.actions import Action, Finished, Requested
from payrail.gateway.domain.answers import Rendered
from payrail.gateway.domain.errors import IdempotencyInProgress, Refusal
from payrail.gateway.flows.fingerprint import fingerprint
from payrail.gateway.flows.gateway import Gateway, Request

#: Does the action; its own id tells it from every other, also when it is done again after a crash.
Perform = Callable[[Action], Awaitable[Rendered]]


class Wish(Struct, frozen=True):
    """What is asked for. `operation` is method and path, `details` is what may be known of the request for good.

    `makes` is the prefix of the id that a new thing gets, in place of `entity`. `fingerprinted` is what makes two
    requests with one key the same, where that is not `details`.
    """

    action: str
    operation: str
    entity: str = ""
    details: dict[str, Any] = {}
    makes: str = ""
    fingerprinted: dict[str, Any] | None = None


async def audited(gateway: Gateway, request: Request, wish: Wish, perform: Perform) -> Rendered:
    """Do it, or answer again what an earlier request with the same key was told.

    What a process that died left without a result is done again by the request that comes back with its key. Raises
    `IdempotencyInProgress`, `IdempotencyKeyReused`, `LogUnavailable`, and what `perform` raises.
    """
    requested = _requested(gateway, request, wish)
    with gateway.leases.hold(requested.id):
        action = await gateway.trail.begin(requested)
        if action.requested.id == requested.id:
            return await _perform(gateway, action, perform)
    if action.finished is not None:
        return Rendered(action.finished.status or 200, action.finished.answer or {}, replayed=True)
    with gateway.leases.hold(action.requested.id) as free:
        action = gateway.trail.actions[action.requested.id]
        if not free or action.finished is not None:
            raise IdempotencyInProgress
        return await _perform(gateway, action, perform)


def _requested(gateway: Gateway, request: Request, wish: Wish) -> Requested:
    origin = gateway.origin_of(request)
    told_by = wish.details if wish.fingerprinted is None else wish.fingerprinted
    claim = request.claim(wish.operation, fingerprint(told_by)) if request.idempotency_key else None
    action_id = gateway.new_id("act")
    # A new thing's id comes of the action's, so that an action that is done again makes the same thing.
    entity = wish.entity or wish.makes + action_id.removeprefix("act")
    return Requested(
        action_id, origin.at, wish.action, entity, request.caller.merchant_id, origin.actor,
        origin.correlation_id, wish.details, claim,
    )  # fmt: skip


async def _perform(gateway: Gateway, action: Action, perform: Perform) -> Rendered:
    action_id = action.requested.id
    try:
        rendered = await perform(action)
    except Exception as error:
        code = str(getattr(error, "code", "internal_error"))
        ended = Finished(
            action_id, gateway.now(), "refused" if isinstance(error, Refusal) else "failed", code
        )
        await gateway.trail.finish(ended)
        raise
    answer = rendered.body if action.requested.claim else None
    finished = Finished(action_id, gateway.now(), "succeeded", status=rendered.status, answer=answer)
    await gateway.trail.finish(finished)
    return rendered
