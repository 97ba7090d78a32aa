"""A real HTTP server on loopback that does to each request what the test has scripted, and keeps what it was sent."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from waiting import LIMIT_S


@dataclass
class Received:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _serve(self) -> None:
        script = self.server.script  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        script.received.append(Received(self.command, self.path, headers, body))
        script.take()(self)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


Step = Callable[[Handler], None]


@dataclass
class Script:
    """The steps still to come and the requests that came. An unexpected request answers 418."""

    base_url: str = ""
    steps: list[Step] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def then(self, *steps: Step) -> None:
        self.steps += steps

    def take(self) -> Step:
        return self.steps.pop(0) if self.steps else answer(418, b"nothing is scripted")

    @property
    def keys(self) -> list[str | None]:
        """The idempotency key of each request."""
        return [request.headers.get("idempotency-key") for request in self.received]


@contextmanager
def misbehaving_server() -> Iterator[Script]:
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.script = script  # type: ignore[attr-defined]
    script.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        script.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(status: int, body: object = b"", **headers: str) -> Step:
    """Answer with `body`, as JSON unless it is bytes; header names are given with underscores."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def step(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return step


def problem(status: int, code: str, *, detail: str = "It did not work.", **headers: str) -> Step:
    """Answer with a problem document."""
    document = {
        "type": f"/problems/{code}",
        "title": "A title",
        "status": status,
        "detail": detail,
        "instance": "/requests/c-1",
        "code": code,
        "correlation_id": "c-1",
    }
    return answer(status, document, content_type="application/problem+json", **headers)


def reset(handler: Handler) -> None:
    """Break the connection off without an answer."""
    # Lingering for 0 seconds sends a reset instead of an orderly end.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def cut_off(handler: Handler) -> None:
    """Promise more than is sent, and end."""
    handler.send_response(201)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": ')
    handler.close_connection = True


def no_http(handler: Handler) -> None:
    """Answer with something that is not HTTP."""
    handler.wfile.write(b"\x00\x01 hello\r\n\r\n")
    handler.close_connection = True


def bad_encoding(handler: Handler) -> None:
    """Say gzip, send something else."""
    answer(201, b"this is not gzip", content_encoding="gzip")(handler)


def never(handler: Handler) -> None:
    """Do not answer as long as the test runs."""
    handler.server.script.ended.wait()  # type: ignore[attr-defined]
    handler.close_connection = True


def silent_until(moment: threading.Event, step: Step) -> Step:
    """Do the step, but not before the moment."""

    def waiting(handler: Handler) -> None:
        assert moment.wait(LIMIT_S), "the moment never came"
        step(handler)

    return waiting


def silent_at(path: str, step: Step) -> Step:
    """Never answer a request for the path; do the step for any other."""

    def choosing(handler: Handler) -> None:
        (never if handler.path == path else step)(handler)

    return choosing
