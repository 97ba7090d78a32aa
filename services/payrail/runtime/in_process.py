"""Calls between services of one process: takes the place of a generated client's `httpx.AsyncClient`.

The caller meets the service as over HTTP: it sees an answer or a time-out, and nothing of the inside.
"""

import asyncio
import contextvars
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import httpx
import orjson

from .contract.requests import Message, Scope
from .logs import LogWriter, stderr_log
from .problems import PROBLEM_MEDIA_TYPE, internal_error

AsgiApp = Any
_HTTP_VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class Headers(Mapping[str, str]):
    """Response headers; names are read without regard to case. The last of equal names stands."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._values: dict[str, str] | None = None

    def _decoded(self) -> dict[str, str]:
        """Decoded at the first look: most answers are read without one."""
        if self._values is None:
            pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._raw)
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
        self.headers = _encoded({} if headers is None else headers)
        self._timeout_s = timeout_s
        self._log = log or stderr_log()
        self._running: set[asyncio.Task[None]] = set()

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
        scope = self._scope(method, url, params, headers, body)
        task = loop.create_task(self._call(scope, exchange), context=contextvars.Context())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await exchange.response(self._timeout_of(timeout))

    async def _call(self, scope: Scope, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the boundary: a caller over HTTP would see a 500, not this
            self._log.exception("in_process_call_failed", error)
        finally:
            exchange.end()

    def _timeout_of(self, timeout: Any) -> float | None:
        if timeout is httpx.USE_CLIENT_DEFAULT:
            return self._timeout_s
        return timeout.read if isinstance(timeout, httpx.Timeout) else timeout

    def _scope(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        body: bytes,
    ) -> Scope:
        parts = urlsplit(url) if "://" in url or "?" in url else None
        path = parts.path if parts else url
        query = parts.query if parts else ""
        if params:
            more = _query(params)
            query = f"{query}&{more}" if query and more else query or more
        sent = self.headers | _encoded(headers) if headers else dict(self.headers)
        if body:
            sent.setdefault(b"content-type", b"application/json")
            sent[b"content-length"] = b"%d" % len(body)
        return {
            "type": "http",
            "asgi": _HTTP_VERSIONS,
            "http_version": "1.1",
            "method": method.upper(),
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": list(sent.items()),
            "client": None,
            "server": None,
        }

    async def aclose(self, timeout_s: float = 5.0) -> None:
        """Waits for callees that still run, for a limited time, and then cancels them."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=timeout_s)
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

    __slots__ = ("_body", "_chunks", "_closed", "_future", "_headers", "_status")

    def __init__(self, loop: asyncio.AbstractEventLoop, body: bytes) -> None:
        self._body: bytes | None = body
        self._future: asyncio.Future[InProcessResponse] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []

    async def receive(self) -> Message:
        """The whole request at once; later, the end of the connection, which comes with the end of the
        answer."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._closed
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message.get("headers", ()))
            return
        self._chunks.append(message.get("body", b""))
        if not message.get("more_body", False) and not self._future.done():
            self._finish(InProcessResponse(self._status, Headers(self._headers), b"".join(self._chunks)))

    def _finish(self, response: InProcessResponse) -> None:
        self._future.set_result(response)
        if not self._closed.done():
            self._closed.set_result(None)

    def end(self) -> None:
        """The callee is done. Without a whole answer, it failed."""
        if not self._future.done():
            content = internal_error().content("unknown")
            self._finish(
                InProcessResponse(500, Headers([(b"content-type", PROBLEM_MEDIA_TYPE.encode())]), content)
            )

    async def response(self, timeout_s: float | None) -> InProcessResponse:
        if timeout_s is None:
            return await self._future
        timer = self._future.get_loop().call_later(timeout_s, self._time_out)
        try:
            return await self._future
        finally:
            timer.cancel()

    def _time_out(self) -> None:
        if not self._future.done():
            self._future.set_exception(httpx.ReadTimeout("no answer in time"))


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode("ascii"): value.encode("latin-1") for name, value in headers.items()}


def _query(params: Mapping[str, Any]) -> str:
    """Parameters as httpx writes them: lists repeat, None is left out, truth values are lower case."""
    listed = (
        (name, value if isinstance(value, list | tuple) else (value,)) for name, value in params.items()
    )
    pairs = ((name, one) for name, values in listed for one in values if one is not None)
    return urlencode([(name, str(one).lower() if isinstance(one, bool) else str(one)) for name, one in pairs])
