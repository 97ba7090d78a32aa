"""Calls between services of one process: takes the place of a generated client's `httpx.AsyncClient`.

The caller meets the service as over HTTP: it sees an answer or a time-out, and nothing of the inside.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import httpx
import orjson

from .contract.answers import Outcome
from .contract.requests import Message, Request, Scope
from .contract_app import ContractApp
from .logs import LogWriter, stderr_log
from .problems import PROBLEM_MEDIA_TYPE, internal_error

AsgiApp = Any
_HTTP_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class Headers(Mapping[str, str]):
    """Response headers; names are read without regard to case. The last of equal names stands."""

    __slots__ = ("_fields", "_values")

    def __init__(self, fields: Callable[[], list[tuple[bytes, bytes]]]) -> None:
        self._fields = fields
        self._values: dict[str, str] | None = None

    def _decoded(self) -> dict[str, str]:
        """Decoded at the first look: most answers are read without one."""
        if self._values is None:
            pairs = (
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._fields()
            )
            self._values = dict(pairs)
        return self._values

    def __getitem__(self, name: str) -> str:
        return self._decoded()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())


class InProcessResponse:
    """As much of `httpx.Response` as generated clients and the SDK's own layer read."""

    __slots__ = ("content", "headers", "status_code")

    def __init__(self, status_code: int, headers: Headers, content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300  # noqa: PLR2004 - the class of success

    def json(self) -> Any:
        return orjson.loads(self.content)


class InProcessClient:
    """Calls an ASGI app of the same event loop, each call in a task and a context of its own.

    A contract app is asked without the messages of ASGI, which nobody would read: the same request, checks, answer and
    log line.
    A time-out raises `httpx.ReadTimeout` and leaves the callee running, as it would over a network; so does a
    caller that is cancelled. What the callee raises becomes a 500. The app's lifespan is the business of
    whoever serves it.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = 30.0,
        log: LogWriter | None = None,
    ) -> None:
        self._app = app
        self._contract_app = app if isinstance(app, ContractApp) else None
        self.headers = _encoded({} if headers is None else headers)
        self._running: dict[_Exchange, None] = {}  # The oldest first.
        self._deadlines = _Deadlines(timeout_s, self._running) if timeout_s is not None else None
        self._log = log or stderr_log()

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: Any = httpx.USE_CLIENT_DEFAULT,  # noqa: ASYNC109 - httpx's name
    ) -> InProcessResponse:
        """Sends one request. Raises httpx.ReadTimeout when no whole answer came in time."""
        loop = asyncio.get_running_loop()
        body = orjson.dumps(json) if content is None and json is not None else content or b""
        exchange = _Exchange(loop, body)
        path, query = _target(url, params)
        sent = self._sent(headers, body)
        if self._contract_app is not None and not self._contract_app.is_page(path):
            request = Request(method.upper(), path, query, sent, exchange.receive, whole=body)
            call = self._call_contract_app(self._contract_app, request, exchange)
        else:
            call = self._call_app(_scope(method, path, query, sent), exchange)
        # The task is held through `_running`: an event loop itself may forget what nobody awaits.
        exchange.task = loop.create_task(call, context=contextvars.Context())
        self._running[exchange] = None
        if timeout is httpx.USE_CLIENT_DEFAULT:
            if self._deadlines is not None:
                self._deadlines.watch(loop, exchange)
            return await exchange.response
        return await _in_time(loop, exchange, timeout.read if isinstance(timeout, httpx.Timeout) else timeout)

    async def _call_contract_app(self, app: ContractApp, request: Request, exchange: "_Exchange") -> None:
        try:
            await app.serve(request, exchange)
        except Exception as error:  # noqa: BLE001 - the boundary: a caller over HTTP would see a 500, not this
            self._log.exception("in_process_call_failed", error)
        finally:
            self._end(exchange)

    async def _call_app(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the boundary, as above
            self._log.exception("in_process_call_failed", error)
        finally:
            self._end(exchange)

    def _end(self, exchange: "_Exchange") -> None:
        del self._running[exchange]
        if not exchange.response.done():
            exchange.fail()

    def _sent(self, headers: Mapping[str, str] | None, body: bytes) -> dict[bytes, bytes]:
        sent = self.headers.copy()
        if headers:
            for name, value in headers.items():
                sent[_header_name(name)] = value.encode("latin-1")
        if body:
            if b"content-type" not in sent:
                sent[b"content-type"] = b"application/json"
            sent[b"content-length"] = b"%d" % len(body)
        return sent

    async def aclose(self, timeout_s: float = 5.0) -> None:
        """Waits for callees that still run, for a limited time, and then cancels them."""
        running = {exchange.task for exchange in self._running if exchange.task}
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=timeout_s)

    async def __aenter__(self) -> "InProcessClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Exchange:
    """One request and its answer, between the caller's task and the callee's."""

    __slots__ = ("_body", "_chunks", "_closed", "_headers", "_loop", "_status", "due_at", "response", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes) -> None:
        self.response: asyncio.Future[InProcessResponse] = loop.create_future()
        self.task: asyncio.Task[None] | None = None
        self.due_at: float | None = None  # Of the loop's clock; none for a call with a time-out of its own.
        self._loop = loop
        self._body: bytes | None = body
        self._closed: asyncio.Future[None] | None = None
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []

    async def receive(self) -> Message:
        """The whole request at once; later, the end of the connection, which comes with the end of the
        answer."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.response.done():
            if self._closed is None:
                self._closed = self._loop.create_future()
            await self._closed
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message.get("headers", [])
            return
        if message.get("more_body", False):
            self._chunks.append(message.get("body", b""))
        elif not self.response.done():
            last = message.get("body", b"")
            body = b"".join([*self._chunks, last]) if self._chunks else last
            self._finish(InProcessResponse(self._status, Headers(lambda: self._headers), body))

    async def give(self, outcome: Outcome, request: Request) -> None:
        """The answer of a contract app. Its headers are written when somebody reads them."""
        body = outcome.body
        if not isinstance(body, bytes):
            await outcome.send(self.send, request.method, request.correlation_id)
        elif not self.response.done():
            fields = partial(outcome.fields, request.correlation_id)
            body = b"" if request.method == "HEAD" else body
            self._finish(InProcessResponse(outcome.status, Headers(fields), body))

    def _finish(self, response: InProcessResponse) -> None:
        self.response.set_result(response)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def fail(self) -> None:
        """The callee is done and gave no whole answer."""
        content = internal_error().content("unknown")
        fields = [(b"content-type", PROBLEM_MEDIA_TYPE.encode())]
        self._finish(InProcessResponse(500, Headers(lambda: fields), content))


class _Deadlines:
    """Times out the calls that are allowed the same time: they fall due in the order they began, so that one timer
    serves them all."""

    def __init__(self, timeout_s: float, running: "dict[_Exchange, None]") -> None:
        self._timeout_s = timeout_s
        self._running = running
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, exchange: "_Exchange") -> None:
        """End the wait for the answer when its time is up."""
        exchange.due_at = loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = loop.call_later(self._timeout_s, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Of the calls that run, the oldest come first; those with a time-out of their own are not ours."""
        self._timer, now = None, loop.time()
        for exchange in self._running:
            if exchange.due_at is None or exchange.response.done():
                continue
            if exchange.due_at > now:
                self._timer = loop.call_at(exchange.due_at, self._expire, loop)
                break
            _time_out(exchange.response)


async def _in_time(
    loop: asyncio.AbstractEventLoop, exchange: _Exchange, timeout_s: float | None
) -> InProcessResponse:
    if timeout_s is None:
        return await exchange.response
    timer = loop.call_later(timeout_s, _time_out, exchange.response)
    try:
        return await exchange.response
    finally:
        timer.cancel()


def _time_out(response: "asyncio.Future[InProcessResponse]") -> None:
    if not response.done():
        response.set_exception(httpx.ReadTimeout("no answer in time"))


def _target(url: str, params: Mapping[str, Any] | None) -> tuple[bytes, bytes]:
    """The raw path and the query of a URL and more parameters."""
    parts = urlsplit(url) if "://" in url or "?" in url else None
    path = parts.path if parts else url
    query = parts.query if parts else ""
    if params:
        more = _query(params)
        query = f"{query}&{more}" if query and more else query or more
    return path.encode("ascii"), query.encode("ascii")


def _scope(method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes]) -> Scope:
    return {
        "type": "http",
        "asgi": _HTTP_VERSIONS,
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(headers.items()),
        "client": None,
        "server": None,
    }


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {_header_name(name): value.encode("latin-1") for name, value in headers.items()}


@lru_cache(maxsize=256)
def _header_name(name: str) -> bytes:
    return name.lower().encode("ascii")


def _query(params: Mapping[str, Any]) -> str:
    """Parameters as httpx writes them: lists repeat, None is left out, truth values are lower case."""
    listed = (
        (name, value if isinstance(value, list | tuple) else (value,)) for name, value in params.items()
    )
    pairs = ((name, one) for name, values in listed for one in values if one is not None)
    return urlencode([(name, str(one).lower() if isinstance(one, bool) else str(one)) for name, one in pairs])
