"""Where webhooks may go: public addresses only, whatever a name or another notation makes of it."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from payrail.cli.stack import embedded
from payrail.ledger_jobs.outbox.addresses import AddressRefused, is_public, require_public
from payrail.ledger_jobs.outbox.sending import Sender
from payrail.runtime.settings import SECRET_NAMES, load_settings
from stand_ins.webhook_receiver import Receiver, receiver
from waiting import LIMIT_S

PRIVATE = [
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_loopback_or_link_local_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"]
)
async def test_no_notation_of_this_machine_passes(host: str) -> None:
    with pytest.raises(AddressRefused):
        await require_public(f"http://{host}:9000/hooks")


@pytest.mark.parametrize("url", ["http://shop.example.com:99999999/", "http://[::1/", "http://[]/"])
async def test_an_address_that_cannot_be_read_is_refused_and_never_sent_to(url: str) -> None:
    with pytest.raises(AddressRefused):
        await require_public(url)
    sender = Sender(LIMIT_S, public_only=False)
    answered = await sender.post(url, {}, b"{}")
    await sender.close()
    assert (answered.status, answered.error) == (None, "connection_failed")


async def test_a_name_that_leads_elsewhere_when_it_is_sent_to_is_refused_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name is public when the endpoint is made, and this machine when something is sent: DNS rebinding."""
    with receiver() as inside:
        answers = ["93.184.215.14", "127.0.0.1"]

        def resolve(host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = inside.url.replace("127.0.0.1", "rebound.example.com")
        await require_public(url)
        sender = Sender(LIMIT_S, public_only=True)
        answered = await sender.post(url, {}, b"{}")
        await sender.close()
        assert (answered.status, answered.error) == (None, "address_refused")
        assert inside.received == []


async def test_what_is_connected_to_is_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up decides; the name itself goes in `Host`."""
    with receiver() as inside:
        asked: list[str] = []

        def resolve(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr("payrail.ledger_jobs.outbox.addresses.is_public", lambda _address: True)
        sender = Sender(LIMIT_S, public_only=True)
        answered = await sender.post(inside.url.replace("127.0.0.1", "shop.example.com"), {}, b"{}")
        await sender.close()
        assert (answered.status, answered.error) == (200, None)
        assert inside.received[0].headers["host"].startswith("shop.example.com")
        assert asked.count("shop.example.com") == 1


async def test_names_that_nobody_answers_for_hold_up_no_other_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many there are: each is looked up in a thread of its own, and the process may end without it."""
    answered_at_last = threading.Event()

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host.startswith("hung"):
            answered_at_last.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with receiver() as inside:
        sender = Sender(LIMIT_S, public_only=False)
        hung = [
            asyncio.create_task(sender.post(f"http://hung-{number}.example.com/", {}, b"{}"))
            for number in range(40)
        ]
        await asyncio.sleep(0)
        answered = await sender.post(inside.url, {}, b"{}")
        assert (answered.status, answered.error) == (200, None)
        assert not any(task.done() for task in hung)
        looking_up = [thread for thread in threading.enumerate() if thread.name.startswith("look up hung")]
        assert len(looking_up) == len(hung)
        assert all(thread.daemon for thread in looking_up)
        for task in hung:
            task.cancel()
        await asyncio.wait(hung)
        await sender.close()
    answered_at_last.set()


async def test_in_production_an_endpoint_on_this_machine_is_refused(
    tmp_path: Path, shop: Receiver, production: dict[str, Any]
) -> None:
    settings = load_settings(payrail_data_dir=tmp_path, **production)
    identity = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ada"}
    headers = {"Authorization": f"Bearer {settings.console_api_key}", **identity}
    async with embedded(settings).alive() as stack:
        transport = httpx.ASGITransport(stack.apps["gateway"])
        async with httpx.AsyncClient(transport=transport, base_url="http://gw", headers=headers) as client:
            for url in (shop.url, shop.url.replace("127.0.0.1", "localhost")):
                refused = await client.post("/webhook-endpoints", json={"url": url})
                assert (refused.status_code, refused.json()["code"]) == (422, "url_not_allowed")
            assert (await client.get("/webhook-endpoints")).json()["data"] == []


@pytest.fixture
def shop() -> Any:
    with receiver() as one:
        yield one


@pytest.fixture
def production() -> dict[str, Any]:
    """Settings without a development value."""
    secret = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
    keys = {name.lower(): f"key-of-{name.lower()}-in-production" for name in SECRET_NAMES}
    hooks = {name: secret for name in keys if name.endswith("webhook_secret")}
    return {"payrail_env": "production", **keys, **hooks}
