"""A call in process behaves as one over a network: own task, own context, time-outs that harm nobody."""

import asyncio
import contextvars
import gc
from typing import Any

import httpx
import pytest
from toy_service import AUTHORIZED, KEYED, Toy, new_box

from payrail.runtime.in_process import InProcessClient

pytestmark = pytest.mark.asyncio

COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("COLOUR", default="none")


class Slow:
    """An ASGI app that answers when it is let go, and tells what became of it."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.entered = asyncio.Event()
        self.ended: list[str] = []

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        self.entered.set()
        try:
            await self.go.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            self.ended.append("finished")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise


async def test_it_calls_as_generated_clients_do(toy: Toy) -> None:
    client = InProcessClient(toy.app, headers=AUTHORIZED)
    created = await client.request(
        method="post", url="/boxes", json=new_box(label="ä"), headers={"Idempotency-Key": "k"}
    )
    listed = await client.request(
        method="get", url="/boxes", params={"limit": 3, "state": ["OPEN", "SHUT"], "q": None, "heavy": True}
    )
    label = await client.request(method="get", url="http://toy/labels/a%2Fb")
    assert (created.status_code, created.json()["label"]) == (201, "ä")
    assert created.headers["Location"] == created.headers.get("location") != ""
    assert listed.json() == {"limit": 3, "state": ["OPEN", "SHUT"], "heavy": True}
    assert label.text == '{"name":"a/b"}'
    assert label.is_success
    assert toy.calls[0].headers == {"idempotency-key": "k"}


async def test_problems_are_answers_and_no_exceptions(toy: Toy) -> None:
    response = await InProcessClient(toy.app).request("GET", "/boxes", headers={"X-Correlation-Id": "c-1"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert response.headers["x-correlation-id"] == "c-1"
    assert not response.is_success


async def test_a_time_out_is_raised_in_the_caller_and_leaves_the_callee_alone(toy: Toy) -> None:
    slow = Slow()
    client = InProcessClient(slow, log=toy.writer)
    for timeout in (0.01, httpx.Timeout(0.01)):
        with pytest.raises(httpx.ReadTimeout):
            await client.request("POST", "/x", timeout=timeout)
    slow.go.set()
    await client.aclose()
    assert slow.ended == ["finished", "finished"]


async def test_the_clients_own_time_out_holds_unless_the_call_has_one(toy: Toy) -> None:
    slow = Slow()
    client = InProcessClient(slow, timeout_s=0.01, log=toy.writer)
    with pytest.raises(httpx.ReadTimeout):
        await client.request("POST", "/x")
    patient = asyncio.create_task(client.request("POST", "/x", timeout=None))
    await asyncio.wait({patient}, timeout=0.05)
    slow.go.set()
    assert (await patient).status_code == 204


async def test_a_cancelled_caller_leaves_the_callee_alone(toy: Toy) -> None:
    slow = Slow()
    client = InProcessClient(slow, log=toy.writer)
    caller = asyncio.create_task(client.request("POST", "/x"))
    await slow.entered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gc.collect()
    slow.go.set()
    await client.aclose()
    assert slow.ended == ["finished"]


async def test_what_the_callee_raises_becomes_a_500(toy: Toy) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("inside")

    async def silent(*_: Any) -> None:
        return

    async def half(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half-way")

    for app in (broken, silent, half):
        response = await InProcessClient(app, log=toy.writer).request("GET", "/")
        assert (response.status_code, response.json()["code"]) == (500, "internal_error")
        assert "inside" not in response.text
    assert [line["event"] for line in toy.log_lines()] == ["in_process_call_failed"] * 2


async def test_no_context_crosses_in_either_direction(toy: Toy) -> None:
    seen: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(COLOUR.get())
        COLOUR.set("callee's")
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    COLOUR.set("caller's")
    await InProcessClient(app, log=toy.writer).request("GET", "/")
    assert seen == ["none"]
    assert COLOUR.get() == "caller's"


async def test_a_stream_arrives_whole(toy: Toy) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"A", b"b")]})
        for part in (b"1", b"2"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"3", "more_body": False})
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"

    client = InProcessClient(app, log=toy.writer)
    response = await client.request("GET", "/", content=b"x")
    await client.aclose()
    assert (response.content, response.headers["a"]) == (b"123", "b")
    assert toy.log_lines() == []


async def test_the_end_waits_for_callees_but_not_for_ever(toy: Toy) -> None:
    slow = Slow()
    async with InProcessClient(slow, timeout_s=0.01, log=toy.writer) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.request("POST", "/x")
        await client.aclose(timeout_s=0.01)
        assert slow.ended == ["cancelled"]


async def test_many_calls_at_once(toy: Toy) -> None:
    client = InProcessClient(toy.app, headers=KEYED)
    answers = await asyncio.gather(*(client.request("POST", "/boxes", json=new_box()) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(toy.log_lines()) == 200
