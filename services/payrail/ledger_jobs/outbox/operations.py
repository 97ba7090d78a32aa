"""What the gateway may ask of the outbox for a merchant. What is another merchant's is not there."""

from collections.abc import Mapping
from typing import Any

import msgspec

from payrail.ledger_jobs.outbox.addresses import require_public
from payrail.ledger_jobs.outbox.dead_letters import Dead
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher
from payrail.ledger_jobs.outbox.endpoints import Endpoint
from payrail.ledger_jobs.outbox.events_file import Queued
from payrail.ledger_jobs.outbox.processed import RESEND_PREFIX, Resend, Trying
from payrail.runtime.clock import rfc3339_of_ms
from payrail.runtime.pages import newest_first


class EventNotFound(Exception):
    """No such event, or another merchant's."""

    code = "not_found"
    detail = "No event with this id."


class EndpointDisabled(Exception):
    """The endpoint takes nothing any more."""

    code = "endpoint_disabled"
    detail = "The endpoint of this dead letter is disabled; nothing is sent there."


async def create_webhook_endpoint(outbox: Dispatcher, terms: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's `NewWebhookEndpoint`; the one there is if there is one with the id. Raises `AddressRefused`."""
    endpoint = outbox.files.endpoints.known(terms["id"])
    if endpoint is None or endpoint.merchant_id != terms["merchant_id"]:
        if outbox.public_only:
            await require_public(terms["url"])
        types = terms.get("event_types")
        endpoint = await outbox.add(
            Endpoint(
                terms["id"], terms["merchant_id"], terms["url"], terms["created_at"], 0,
                tuple(types) if types else None, terms.get("description"),
            )
        )  # fmt: skip
    return {**endpoint.view(), "secret": outbox.secret_of(endpoint)}


async def list_webhook_endpoints(
    outbox: Dispatcher, merchant_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    endpoints = outbox.files.endpoints.of(merchant_id)
    found, next_cursor = await newest_first(
        list(endpoints), endpoints.__getitem__, lambda _: True, limit=limit, cursor=cursor
    )
    return {"data": [endpoint.view() for endpoint in found], "next_cursor": next_cursor}


def get_webhook_endpoint(outbox: Dispatcher, merchant_id: str, endpoint_id: str) -> dict[str, Any]:
    """The contract's `WebhookEndpoint`. Raises `EndpointNotFound`."""
    return outbox.files.endpoints.find(merchant_id, endpoint_id).view()


async def enable_webhook_endpoint(outbox: Dispatcher, merchant_id: str, endpoint_id: str) -> dict[str, Any]:
    """The contract's `WebhookEndpoint`, enabled. Raises `EndpointNotFound`."""
    return (await outbox.enable(merchant_id, endpoint_id)).view()


async def delete_webhook_endpoint(outbox: Dispatcher, merchant_id: str, endpoint_id: str) -> None:
    """Send nothing there any more. Raises `EndpointNotFound`."""
    await outbox.remove(merchant_id, endpoint_id)


async def redeliver_event(outbox: Dispatcher, merchant_id: str, event_id: str) -> dict[str, Any]:
    """The contract's `Redelivery`. Raises `EventNotFound`."""
    queued = await _event(outbox, merchant_id, event_id)
    wanting = [
        endpoint
        for endpoint in outbox.files.endpoints.of(merchant_id).values()
        if endpoint.enabled and endpoint.wants(queued.type)
    ]
    for endpoint in wanting:
        await _send_again(outbox, endpoint, queued)
    return {"event_id": event_id, "endpoint_ids": [endpoint.id for endpoint in wanting]}


async def list_event_deliveries(outbox: Dispatcher, merchant_id: str, event_id: str) -> dict[str, Any]:
    """The contract's `DeliveryList`. Raises `EventNotFound`."""
    queued = await _event(outbox, merchant_id, event_id)
    endpoints = outbox.files.endpoints.of(merchant_id).values()
    deliveries = [_delivery(outbox, endpoint, queued) for endpoint in endpoints]
    return {"data": [delivery for delivery in deliveries if delivery is not None]}


async def list_dead_letters(
    outbox: Dispatcher, merchant_id: str, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """`{data, next_cursor}`. Raises `InvalidCursor`."""
    letters = outbox.files.dead_letters.of(merchant_id)
    found, next_cursor = await newest_first(
        list(letters), letters.__getitem__, lambda _: True, limit=limit, cursor=cursor
    )
    return {"data": [_letter_view(outbox, letter) for letter in found], "next_cursor": next_cursor}


def get_dead_letter(outbox: Dispatcher, merchant_id: str, letter_id: str) -> dict[str, Any]:
    """The contract's `DeadLetter`. Raises `DeadLetterNotFound`."""
    return _letter_view(outbox, outbox.files.dead_letters.find(merchant_id, letter_id))


async def redrive_dead_letter(outbox: Dispatcher, merchant_id: str, letter_id: str) -> dict[str, Any]:
    """The contract's `DeadLetter`, being sent again. Raises `DeadLetterNotFound` and `EndpointDisabled`."""
    letter = outbox.files.dead_letters.find(merchant_id, letter_id)
    if not await _redrive(outbox, letter):
        raise EndpointDisabled
    return letter.view(redriving=True)


async def redrive_dead_letters(outbox: Dispatcher, merchant_id: str) -> dict[str, Any]:
    """The contract's `RedrivenDeadLetters`: all of the merchant's that can be sent again are."""
    redriven = 0
    for letter in outbox.files.dead_letters.of(merchant_id).values():
        redriven += await _redrive(outbox, letter)
    return {"redriven": redriven}


async def _event(outbox: Dispatcher, merchant_id: str, event_id: str) -> Queued:
    queued = outbox.files.events.find(event_id)
    if queued is None:
        await outbox.derive()  # It may be so new that it was not written down yet.
        queued = outbox.files.events.find(event_id)
    if queued is None or queued.merchant_id != merchant_id:
        raise EventNotFound
    return queued


async def _redrive(outbox: Dispatcher, letter: Dead) -> bool:
    endpoint = outbox.files.endpoints.known(letter.endpoint_id)
    queued = outbox.files.events.find(letter.event_id)
    if endpoint is None or not endpoint.enabled or queued is None:
        return False
    await _send_again(outbox, endpoint, queued)
    return True


async def _send_again(outbox: Dispatcher, endpoint: Endpoint, queued: Queued) -> None:
    """By the lane of what is sent again; what the endpoint is still owed in its turn is only hurried up."""
    lanes = outbox.lanes()[endpoint.id]
    if lanes.events.through_seq < queued.seq:
        lanes.events.hurry(queued.id)
    else:
        resend = Resend(outbox.new_id(RESEND_PREFIX), endpoint.id, endpoint.merchant_id, Trying(queued.id))
        await lanes.resends.add(resend)
    lanes.poke()


def _letter_view(outbox: Dispatcher, letter: Dead) -> dict[str, Any]:
    lanes = outbox.lanes().get(letter.endpoint_id)
    return letter.view(redriving=lanes is not None and letter.event_id in lanes.resends)


def _delivery(outbox: Dispatcher, endpoint: Endpoint, queued: Queued) -> dict[str, Any] | None:
    """The contract's `Delivery`, none where the event is nothing to the endpoint."""
    files = outbox.files
    accepted = files.processed.get(queued.id, endpoint.id)
    dead = files.dead_letters.about(queued.id, endpoint.id)
    trying = _trying(outbox, endpoint, queued)
    owed = queued.seq > endpoint.from_seq and endpoint.wants(queued.type)
    if accepted is None and dead is None and trying is None and not owed:
        return None
    if trying is not None and trying.attempts:
        state = "retrying"
    elif trying is not None:
        state = "pending"
    elif dead is not None:
        state = "dead"
    elif accepted is not None:
        state = "accepted"
    else:
        state = "pending" if _is_ahead(outbox, endpoint, queued) else "skipped"
    attempts = [
        *(accepted.attempts if accepted else ()),
        *(dead.attempts if dead else ()),
        *(trying.attempts if trying else ()),
    ]
    return {
        "endpoint_id": endpoint.id,
        "url": endpoint.url,
        "state": state,
        "attempts": [msgspec.to_builtins(attempt) for attempt in attempts],
        "next_attempt_at": rfc3339_of_ms(trying.due_ms) if trying and trying.due_ms else None,
        "accepted_at": accepted.accepted_at if accepted else None,
    }


def _is_ahead(outbox: Dispatcher, endpoint: Endpoint, queued: Queued) -> bool:
    """Whether its turn at the endpoint is still to come."""
    lanes = outbox.lanes().get(endpoint.id)
    return endpoint.enabled and lanes is not None and lanes.events.through_seq < queued.seq


def _trying(outbox: Dispatcher, endpoint: Endpoint, queued: Queued) -> Trying | None:
    lanes = outbox.lanes().get(endpoint.id)
    if lanes is None:
        return None
    if lanes.events.trying is not None and lanes.events.trying.event_id == queued.id:
        return lanes.events.trying
    resend = lanes.resends.get(queued.id)
    return resend.trying if resend else None
