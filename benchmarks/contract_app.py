"""CPU per request of the contract app against a bare Starlette route, interleaved in one run: by direct ASGI
calls, and behind uvicorn with the same settings.

Both answer `POST /boxes` with a small JSON body; the bare route parses it and renders the same answer, and
does nothing else: no key, no check, no log. Run: `.venv/bin/python -m benchmarks.contract_app`.
"""

import asyncio
import io
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "runtime"))
from toy_service import BOX_ID, CONTRACT, KEYED, Caller, Toy, new_box

from payrail.runtime.contract_app import Answer
from payrail.runtime.in_process import InProcessClient
from payrail.runtime.listening import listen
from payrail.runtime.logs import LogWriter
from payrail.runtime.serving import Listener, run, serve, tune_garbage_collection

ROUNDS = 60
CALLS = 500
SERVER_ROUNDS = 9
SERVER_CALLS = 4_000
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

    def authenticate(self, key: str, *_: Any) -> Caller:
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
    """CPU microseconds of each call, over rounds that take turns: the quietest tenth of a shared machine
    counts."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.process_time()
            for _ in range(CALLS):
                await call()
            rounds[name].append((time.process_time() - started) / CALLS * 1e6)
    return {name: statistics.quantiles(times, n=10)[0] for name, times in rounds.items()}


def report(figures: Iterable[tuple[str, float]], base: float) -> None:
    for name, cost_us in figures:
        print(
            f"{name:36} {cost_us:7.1f} µs  {base / cost_us:5.2f} of bare  {cost_us / base:5.2f} times its CPU"
        )


def bare_app() -> Any:
    return Starlette(routes=[Route("/boxes", bare, methods=["POST"])])


def contract_app() -> Any:
    toy = Forgetful()
    toy.writer = LogWriter(Devnull())
    return toy.build(CONTRACT)


def served(app: Any, sender: Any) -> None:
    """The life of a server process: it tells its port, and ends with the benchmark."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    run(serve([Listener("app", app(), listener)], on_ready=lambda: sender.send(port)))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def keep_asking(port: int, count: int) -> None:
    """One connection that sends the benchmark's request `count` times."""
    head = b"".join(b"%b: %b\r\n" % header for header in HEADERS)
    request = b"POST /boxes HTTP/1.1\r\n" + head + b"\r\n" + BODY
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request)
        answer = await reader.readuntil(b"}")
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(answer)
    writer.close()


async def over_uvicorn(servers: dict[str, tuple[int, int]]) -> dict[str, float]:
    """CPU microseconds that each server process spends on a request, at 32 connections."""
    rounds: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(SERVER_ROUNDS):
        for name, (pid, port) in servers.items():
            before = cpu_s(pid)
            await asyncio.gather(*(keep_asking(port, SERVER_CALLS // 32) for _ in range(32)))
            rounds[name].append((cpu_s(pid) - before) / (SERVER_CALLS // 32 * 32) * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}


def through_servers() -> dict[str, float]:
    spawning = multiprocessing.get_context("spawn")
    processes, servers = [], {}
    for name, app in (("bare Starlette, uvicorn", bare_app), ("contract app, uvicorn", contract_app)):
        receiver, sender = spawning.Pipe(duplex=False)
        process = spawning.Process(target=served, args=(app, sender))
        process.start()
        processes.append(process)
        servers[name] = (process.pid or 0, receiver.recv())
    try:
        return uvloop.run(over_uvicorn(servers))
    finally:
        for process in processes:
            process.terminate()
            process.join(10)


async def direct() -> dict[str, float]:
    started = time.perf_counter()
    app = contract_app()
    print(f"build of an app with 8 operations: {(time.perf_counter() - started) * 1000:.1f} ms")
    tune_garbage_collection()
    transport = httpx.ASGITransport(app)
    return await interleaved(
        {
            "bare Starlette": asgi_call(bare_app()),
            "contract app": asgi_call(app),
            "contract app, in-process client": client_call(InProcessClient(app)),
            "contract app, httpx.ASGITransport": client_call(
                httpx.AsyncClient(transport=transport, base_url="http://toy")
            ),
        }
    )


def main() -> None:
    for figures in (uvloop.run(direct()), through_servers()):
        report(figures.items(), next(iter(figures.values())))


if __name__ == "__main__":
    main()
