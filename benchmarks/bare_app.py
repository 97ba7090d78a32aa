"""The baseline: a bare Starlette app that parses JSON, appends one line with group commit, and answers JSON."""

import sys
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from payrail.runtime.append_log import AppendLog
from payrail.runtime.listening import listen
from payrail.runtime.serving import Listener, run, serve


def build(log: AppendLog) -> Starlette:
    """`POST /payments` as little as it can be and still be durable; `POST /echo` without the append."""

    async def create(request: Request) -> Response:
        body = orjson.loads(await request.body())
        line = orjson.dumps({"id": "pay_0", "state": "CREATED", **body})
        await log.append(line)
        return Response(line, 201, media_type="application/json")

    async def echo(request: Request) -> Response:
        return Response(orjson.dumps(orjson.loads(await request.body())), media_type="application/json")

    return Starlette(
        routes=[Route("/payments", create, methods=["POST"]), Route("/echo", echo, methods=["POST"])]
    )


def main() -> None:
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    log = AppendLog.open(directory / "lines.jsonl")
    run(serve([Listener("bare", build(log), listen("127.0.0.1", port))]))


if __name__ == "__main__":
    main()
