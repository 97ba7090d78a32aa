"""CPU per request of the contract app against a bare Starlette route, by direct ASGI calls interleaved in one run.

Both answer `POST /boxes` with a small JSON body; the bare route parses it and renders the same answer, and does
nothing else: no key, no check, no log. Run: `.venv/bin/python benchmarks/contract_app.py`.
"""

import asyncio
import io
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "runtime"))
from toy_service import BOX_ID, CONTRACT, KEYED, Caller, Toy, new_box

from payrail.runtime.contract_app import Answer
from payrail.runtime.in_process import InProcessClient
from payrail.runtime.logs import LogWriter
from payrail.runtime.serving import tune_garbage_collection

ROUNDS = 25
CALLS = 2_000
BODY = orjson.dumps(new_box(label="A box of tea", metadata={"order": "1042", "shop": "north"}))
HEADERS = [
    (b"host", b"127.0.0.1:8026"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
    (b"user-agent", b"benchmark"),
    *((name.lower().encode(), value.encode()) for name, value in KEYED.items()),
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
]
Call = Callable[[], Awaitable[None]]


class Forgetful(Toy):
    """The toy service, but it keeps nothing of its calls."""

    async def create_box(self, call: Any) -> Answer:
        call.log["box_id"] = BOX_ID
        return Answer(201, {"id": BOX_ID, "label": call.body.get("label")}, {"Location": f"/boxes/{BOX_ID}"})

    def authenticate(self, key: str, identity: Any, operation: Any) -> Caller:
        return CALLERS[key]


CALLERS = {"good-key": Caller("gateway", None)}


class Devnull(io.BytesIO):
    def write(self, text: Any) -> int:
        return len(text)


async def bare(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"id": BOX_ID, "label": body.get("label")}, 201)


def asgi_call(app: Any) -> Call:
    """One request, with the scope that uvicorn would make."""

    async def call() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] != 201:
                raise RuntimeError(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8026),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "root_path": "",
            "state": {},
            "method": "POST",
            "path": "/boxes",
            "raw_path": b"/boxes",
            "query_string": b"",
            "headers": list(HEADERS),
        }
        await app(scope, receive, send)

    return call


def client_call(client: Any) -> Call:
    body = orjson.loads(BODY)

    async def call() -> None:
        response = await client.request(method="post", url="/boxes", json=body, headers=KEYED)
        if response.json()["id"] != BOX_ID:
            raise RuntimeError(response)

    return call


async def interleaved(calls: dict[str, Call]) -> dict[str, float]:
    """Median CPU microseconds for each call, over rounds that take turns."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.process_time()
            for _ in range(CALLS):
                await call()
            rounds[name].append((time.process_time() - started) / CALLS * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}


def report(figures: Iterable[tuple[str, float]], base: float) -> None:
    for name, cost_us in figures:
        print(
            f"{name:36} {cost_us:7.1f} µs   {base / cost_us:5.2f} of bare   {cost_us / base:5.2f} times its CPU"
        )


async def main() -> None:
    toy = Forgetful()
    toy.writer = LogWriter(Devnull())  # type: ignore[arg-type]
    started = time.perf_counter()
    toy.app = toy.build(CONTRACT)
    print(f"build of an app with 8 operations: {(time.perf_counter() - started) * 1000:.1f} ms")
    starlette = Starlette(routes=[Route("/boxes", bare, methods=["POST"])])
    tune_garbage_collection()
    figures = await interleaved(
        {
            "bare Starlette": asgi_call(starlette),
            "contract app": asgi_call(toy.app),
            "contract app, in-process client": client_call(InProcessClient(toy.app)),
            "contract app, httpx.ASGITransport": client_call(toy.client()),
        }
    )
    report(figures.items(), figures["bare Starlette"])


if __name__ == "__main__":
    asyncio.run(main())
