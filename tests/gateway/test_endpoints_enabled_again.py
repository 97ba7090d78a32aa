"""An endpoint that was disabled by a 410 takes webhooks again, and what it missed when somebody asks for it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from deliveries import ADMIN, LIFE, deliveries, endpoint, move, seen
from desk import Desk, open_desk

from payrail.runtime.clock import FrozenClock
from stand_ins.webhook_receiver import ACCEPT, GONE, Receiver, receiver


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    """The shop, which answers 410 to its second event, and another one."""
    with receiver() as shop, receiver() as other:
        shop.then(ACCEPT, GONE)
        yield shop, other


async def disabled(desk: Desk, shop: Receiver, other: Receiver) -> tuple[str, str]:
    """The path of the shop's endpoint, which is disabled, and the id of the event that it missed."""
    path = f"/webhook-endpoints/{(await endpoint(desk, shop))['id']}"
    await endpoint(desk, other)
    await desk.payment()
    await other.until(lambda: len(other.received) == 3)
    await seen(desk, path, lambda shown: not shown["enabled"], **ADMIN)
    return path, other.received[2].id


async def test_a_receiver_that_was_gone_gets_what_comes_and_what_it_missed_when_asked(
    desk: Desk, receivers: tuple[Receiver, Receiver]
) -> None:
    shop, _ = receivers
    path, missed = await disabled(desk, *receivers)
    for _ in range(2):
        enabled = await desk.post(f"{path}/enable", **ADMIN)
        assert (enabled.status_code, enabled.json()) == (200, await desk.get(path, **ADMIN))
        shown = [enabled.json()[name] for name in ("enabled", "disabled_at", "disabled_reason")]
        assert shown == [True, None, None]
    await desk.payment(captured=0)
    await shop.until(lambda: len(shop.received) == 4)
    assert shop.types() == [LIFE[0], *LIFE[:2]], "what it missed is not sent by itself"
    await seen(
        desk, f"/events/{missed}/deliveries",
        lambda shown: [one["state"] for one in shown["data"]] == ["skipped", "accepted"],
    )  # fmt: skip

    assert (await desk.post(f"/events/{missed}/redeliver")).status_code == 202
    await shop.until(lambda: len(shop.received) == 5)
    assert shop.received[4].id == missed
    assert (await desk.post("/dead-letters/redrive", **ADMIN)).json() == {"redriven": 1}
    await seen(desk, "/dead-letters", lambda shown: shown["data"] == [])
    assert [one["state"] for one in await deliveries(desk, missed)] == ["accepted", "accepted"]


async def test_enabling_is_on_the_audit_trail(desk: Desk, receivers: tuple[Receiver, Receiver]) -> None:
    path, _ = await disabled(desk, *receivers)
    first, again = [await desk.post(f"{path}/enable", key="one", **ADMIN) for _ in range(2)]
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    trail = (await desk.get("/audit", params={"entity": path.rpartition("/")[2]}))["data"]
    assert [(one["action"], one["outcome"]) for one in trail] == [
        ("enable_webhook_endpoint", "succeeded"),
        ("create_webhook_endpoint", "succeeded"),
    ]


async def test_after_a_restart_too_an_enabled_endpoint_begins_with_what_comes_then(
    tmp_path: Path, receivers: tuple[Receiver, Receiver]
) -> None:
    shop, _ = receivers
    async with open_desk(tmp_path, FrozenClock()) as desk:
        path, missed = await disabled(desk, *receivers)
    async with open_desk(tmp_path, FrozenClock()) as desk:
        answers = await asyncio.gather(*(desk.post(f"{path}/enable", **ADMIN) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
    async with open_desk(tmp_path, FrozenClock()) as desk:
        await desk.payment(captured=0)
        await shop.until(lambda: len(shop.received) == 4)
        await move(desk)
        assert shop.types()[1:] == LIFE[:2]
        assert (await deliveries(desk, missed))[0]["state"] == "skipped"


async def test_an_endpoint_that_was_deleted_is_not_enabled_again(
    desk: Desk, receivers: tuple[Receiver, Receiver]
) -> None:
    path, _ = await disabled(desk, *receivers)
    assert (await desk.call("DELETE", path, **ADMIN)).status_code == 204
    answer = await desk.post(f"{path}/enable", **ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
