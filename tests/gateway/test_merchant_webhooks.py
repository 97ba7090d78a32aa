"""Webhooks to merchants through the gateway: endpoints, order, retries, dead letters, redelivery."""

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from deliveries import ADMIN, LIFE, deliveries, endpoint, letters, move, seen
from desk import Desk, open_desk

from payrail.ledger.events import EVENT_TYPES
from payrail.runtime.clock import FrozenClock
from stand_ins.webhook_receiver import ACCEPT, FAIL, GONE, HANG, RESET, Does, Receiver, receiver

SECRET = "whsec_ZGV2X21lcmNoYW50X3dlYmhvb2tfc2VjcmV0X29mX3Rlc3Rz"


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


async def test_an_endpoint_takes_every_event_in_order_signed_with_its_secret(
    desk: Desk, shop: Receiver
) -> None:
    began_s = int(time.time())
    secret = (await endpoint(desk, shop))["secret"]
    payment_id = await desk.payment()
    await shop.until(lambda: len(shop.received) == 3)
    assert shop.types() == LIFE
    shop.verify(secret)
    listed = (await desk.get("/events"))["data"]
    assert [one.event for one in shop.received] == list(reversed(listed))
    assert [one.id for one in shop.received] == [event["id"] for event in reversed(listed)]
    assert {one.event["data"]["id"] for one in shop.received} == {payment_id}
    for one in shop.received:
        assert one.headers["x-correlation-id"] == one.event["correlation_id"]
        assert one.headers["content-type"] == "application/json"
    assert all(began_s <= int(one.headers["webhook-timestamp"]) <= time.time() for one in shop.received)


async def test_an_endpoint_is_shown_without_its_secret_and_gone_when_deleted(
    desk: Desk, shop: Receiver
) -> None:
    made = await endpoint(desk, shop, event_types=["refund.failed"], description="The shop")
    shown = await desk.get(f"/webhook-endpoints/{made['id']}", **ADMIN)
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (shown["enabled"], shown["event_types"]) == (True, ["refund.failed"])
    assert (await desk.get("/webhook-endpoints", **ADMIN))["data"] == [shown]
    assert (await desk.call("DELETE", f"/webhook-endpoints/{made['id']}", **ADMIN)).status_code == 204
    assert (await desk.get("/webhook-endpoints", **ADMIN))["data"] == []
    for method in ("GET", "DELETE"):
        answer = await desk.call(method, f"/webhook-endpoints/{made['id']}", **ADMIN)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    trail = (await desk.get("/audit", params={"entity": made["id"]}))["data"]
    assert [(one["action"], one["outcome"]) for one in trail] == [
        ("delete_webhook_endpoint", "succeeded"), ("create_webhook_endpoint", "succeeded")
    ]  # fmt: skip
    assert made["secret"] not in json.dumps(trail)


async def test_a_repeated_request_makes_one_endpoint_and_shows_the_same_secret(
    desk: Desk, shop: Receiver
) -> None:
    first, again = [
        await desk.post("/webhook-endpoints", {"url": shop.url}, key="one", **ADMIN) for _ in range(2)
    ]
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await desk.get("/webhook-endpoints", **ADMIN))["data"]) == 1
    await desk.call("DELETE", f"/webhook-endpoints/{first.json()['id']}", **ADMIN)
    late = await desk.post("/webhook-endpoints", {"url": shop.url}, key="one", **ADMIN)
    assert late.content == first.content
    assert (await desk.get("/webhook-endpoints", **ADMIN))["data"] == []


@pytest.mark.parametrize(
    "url",
    ["ftp://shop.example.com/", "shop.example.com", "http://", "http://user@shop.example.com/", "https://a b/", "http://x#y"],
)  # fmt: skip
async def test_an_address_that_is_none_is_refused(desk: Desk, url: str) -> None:
    answer = await desk.post("/webhook-endpoints", {"url": url}, **ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_only_events_of_the_types_that_are_wanted_are_sent_and_all_without_a_wish(
    desk: Desk, shop: Receiver, other: Receiver
) -> None:
    everything = await endpoint(desk, other)
    assert sorted(everything["event_types"]) == sorted(EVENT_TYPES)
    await endpoint(desk, shop, event_types=["payment.captured"])
    await desk.payment()
    await other.until(lambda: len(other.received) == 3)
    await shop.until(lambda: len(shop.received) == 1)
    assert (shop.types(), other.types()) == (["payment.captured"], LIFE)


async def test_events_from_before_the_endpoint_are_not_sent(desk: Desk, shop: Receiver) -> None:
    await desk.payment()
    await endpoint(desk, shop)
    payment_id = await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 2)
    assert {one.event["data"]["id"] for one in shop.received} == {payment_id}


async def test_a_merchant_gets_its_own_events_only(desk: Desk, shop: Receiver, other: Receiver) -> None:
    await endpoint(desk, shop)
    await desk.post("/webhook-endpoints", {"url": other.url}, merchant="m_acme", **ADMIN)
    await desk.payment()
    await shop.until(lambda: len(shop.received) == 3)
    await move(desk)
    assert other.received == []


async def test_the_settings_give_the_demo_merchant_an_endpoint(tmp_path: Path, shop: Receiver) -> None:
    terms = {"merchant_webhook_url": shop.url, "merchant_webhook_secret": SECRET}
    async with open_desk(tmp_path, FrozenClock(), **terms) as desk:
        await desk.payment()
        await shop.until(lambda: len(shop.received) == 3)
        shop.verify(SECRET)
        (named,) = (await desk.get("/webhook-endpoints", **ADMIN))["data"]
    async with open_desk(tmp_path, FrozenClock(), **terms) as desk:
        assert (await desk.get("/webhook-endpoints", **ADMIN))["data"] == [named]
    async with open_desk(tmp_path, FrozenClock()) as desk:
        assert (await desk.get("/webhook-endpoints", **ADMIN))["data"] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("trouble", "error", "status"),
    [
        (FAIL, "status", 500),
        (Does(404), "status", 404),
        (HANG, "timeout", None),
        (RESET, "connection_broken", None),
        (Does(302, {"Location": "/elsewhere"}), "redirect", 302),
    ],
    ids=["500", "404", "hangs", "resets", "redirects"],
)
async def test_what_is_not_taken_is_sent_again_three_times_and_dead_after_that(
    tmp_path: Path, shop: Receiver, other: Receiver, trouble: Does, error: str, status: int | None
) -> None:
    terms = {"outbox_timeout_s": 2.0} if trouble is HANG else {}
    async with open_desk(tmp_path, FrozenClock(), **terms) as desk:
        made = await endpoint(desk, shop, event_types=["payment.created", "payment.authorized"])
        await endpoint(desk, other)
        shop.then(*[trouble] * 4)
        await desk.payment()
        await other.until(lambda: len(other.received) == 3)  # It waits for nobody.
        await shop.until(lambda: len(shop.received) == 1)
        created = shop.received[0].id
        for tries in (2, 3, 4):
            await seen(desk, f"/events/{created}/deliveries", _tried(tries - 1))
            await move(desk)
            await shop.until(partial(_received, shop, tries))
        await shop.until(lambda: len(shop.received) == 5)
        assert [one.id for one in shop.received[:4]] == [created] * 4
        assert shop.types() == ["payment.authorized"]  # After a dead letter the next one goes out.
        (letter,) = await letters(desk)
        assert (letter["event_id"], letter["endpoint_id"], letter["url"]) == (created, made["id"], shop.url)
        assert (letter["attempts"], letter["last_error"], letter["last_status"]) == (4, error, status)
        assert [one["state"] for one in await deliveries(desk, created)] == ["dead", "accepted"]


def _tried(times: int) -> Callable[[Any], bool]:
    """Whether the first delivery shows so many attempts."""
    return lambda shown: len(shown["data"][0]["attempts"]) >= times


def _received(shop: Receiver, times: int) -> bool:
    return len(shop.received) >= times


async def test_retries_wait_longer_each_time_by_the_clock(desk: Desk, shop: Receiver) -> None:
    await endpoint(desk, shop, event_types=["payment.created"])
    shop.always = FAIL
    await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 1)
    for tries, (too_early, in_time) in enumerate([(3.9, 2.2), (19.9, 10.2), (99.9, 50.2)], start=1):
        await seen(desk, f"/events/{shop.received[0].id}/deliveries", _tried(tries))
        start = (await deliveries(desk, shop.received[0].id))[0]["attempts"][-1]["at"]
        due = (await deliveries(desk, shop.received[0].id))[0]["next_attempt_at"]
        pause_s = (datetime.fromisoformat(due) - datetime.fromisoformat(start)).total_seconds()
        assert too_early < pause_s < too_early + in_time
        await move(desk, 0)
        assert len(shop.received) == tries
        await move(desk, math.ceil(pause_s))
        await shop.until(partial(_received, shop, tries + 1))
    await seen(desk, "/dead-letters", lambda shown: len(shown["data"]) == 1)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_receiver_that_asks_for_time_gets_it(
    desk: Desk, shop: Receiver, status: int, form: str
) -> None:
    await endpoint(desk, shop, event_types=["payment.created"])
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    shop.then(Does(status, {"Retry-After": "3600" if form == "seconds" else date}))
    await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 1)
    event_id = shop.received[0].id
    await seen(desk, f"/events/{event_id}/deliveries", _tried(1))
    await move(desk, 3000)  # A date is nearer by the time that passes until it is read.
    assert len(shop.received) == 1
    await move(desk, 650)
    await shop.until(lambda: len(shop.received) == 2)
    assert shop.ids() == [event_id]


async def test_a_receiver_that_is_gone_is_disabled_and_says_so(
    desk: Desk, shop: Receiver, other: Receiver
) -> None:
    made = await endpoint(desk, shop)
    await endpoint(desk, other)
    shop.then(ACCEPT, GONE)
    await desk.payment()
    await other.until(lambda: len(other.received) == 3)
    await seen(desk, "/dead-letters", lambda shown: len(shown["data"]) == 1)
    (letter,) = await letters(desk)
    assert (letter["event_type"], letter["attempts"], letter["last_status"]) == ("payment.authorized", 1, 410)
    path = f"/webhook-endpoints/{made['id']}"
    await seen(desk, path, lambda shown: not shown["enabled"], **ADMIN)
    shown = await desk.get(path, **ADMIN)
    assert shown["disabled_reason"] == "gone"
    assert shown["disabled_at"]
    await move(desk)
    assert len(shop.received) == 2
    captured = other.received[2].id
    assert (await deliveries(desk, captured))[0]["state"] == "skipped"
    redriven = await desk.post(f"/dead-letters/{letter['id']}/redrive", **ADMIN)
    assert (redriven.status_code, redriven.json()["code"]) == (409, "endpoint_disabled")
    assert (await desk.post("/dead-letters/redrive", **ADMIN)).json() == {"redriven": 0}
    await desk.call("DELETE", f"/webhook-endpoints/{made['id']}", **ADMIN)
    assert await letters(desk) == []


async def test_an_event_is_sent_again_under_its_own_id(desk: Desk, shop: Receiver, other: Receiver) -> None:
    wants = await endpoint(desk, shop)
    await endpoint(desk, other, event_types=["refund.failed"])
    await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 2)
    event_id = shop.received[0].id
    again = await desk.post(f"/events/{event_id}/redeliver")
    assert again.status_code == 202
    assert again.json() == {"event_id": event_id, "endpoint_ids": [wants["id"]]}
    await shop.until(lambda: len(shop.received) == 3)
    assert (shop.received[2].id, shop.received[2].body) == (event_id, shop.received[0].body)
    await move(desk)
    assert len(shop.received) == 3
    (delivery,) = await deliveries(desk, event_id)
    assert (delivery["state"], len(delivery["attempts"])) == ("accepted", 2)
    assert other.received == []


async def test_dead_letters_drain_when_they_are_redriven(desk: Desk, shop: Receiver) -> None:
    await endpoint(desk, shop, event_types=["payment.created"])
    shop.always = FAIL
    for _ in range(3):
        await desk.payment(captured=0)
    for _ in range(40):
        await move(desk)
        if len(await letters(desk)) == 3:
            break
    dead = await letters(desk)
    assert len(dead) == 3
    page = await desk.get("/dead-letters", params={"limit": 2})
    assert page["data"] == dead[:2]
    assert (await desk.get("/dead-letters", params={"cursor": page["next_cursor"]}))["data"] == dead[2:]
    before = len(shop.received)
    assert await desk.get(f"/dead-letters/{dead[0]['id']}") == dead[0]
    one = await desk.post(f"/dead-letters/{dead[0]['id']}/redrive", **ADMIN)
    assert (one.status_code, one.json()["redriving"]) == (202, True)
    for _ in range(4):
        await move(desk)
    assert len(shop.received) == before + 4
    assert [letter["id"] for letter in await letters(desk)] == [letter["id"] for letter in dead]
    shop.always = ACCEPT
    assert (await desk.post("/dead-letters/redrive", **ADMIN)).json() == {"redriven": 3}
    await seen(desk, "/dead-letters", lambda shown: shown["data"] == [])
    assert sorted(shop.ids()) == sorted(letter["event_id"] for letter in dead)


async def test_what_waits_for_a_retry_is_sent_at_once_when_somebody_wants_it_again(
    desk: Desk, shop: Receiver
) -> None:
    await endpoint(desk, shop)
    shop.then(FAIL)
    await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 1)
    event_id = shop.received[0].id
    await seen(desk, f"/events/{event_id}/deliveries", _tried(1))
    await desk.post(f"/events/{event_id}/redeliver")
    await shop.until(lambda: len(shop.ids()) == 2)
    assert shop.types() == LIFE[:2]


async def test_the_jobs_tell_of_the_outbox_in_their_health(desk: Desk) -> None:
    services = {one["service"]: one["status"] for one in (await desk.get("/health/services"))["data"]}
    assert services["ledger-jobs"] == "ok"
