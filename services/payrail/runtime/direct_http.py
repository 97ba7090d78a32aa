"""HTTP for contract apps: uvicorn's protocol, without what ASGI needs between the wire and such an app.

uvicorn parses, limits, queues and ends connections as for any app. A contract app reads the request from what the
parser left, and its answer is written at once, head and body together. Pages of the document go the way of ASGI.
"""

import asyncio
import re
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from payrail.runtime.problems import PROBLEM_MEDIA_TYPE

from .contract import refusals
from .contract.answers import Outcome
from .contract.requests import Message, Receive, Request, Send, new_correlation_id
from .contract_app import ContractApp

# A target that is split as `httptools.parse_url` would do it: a path of visible ASCII, and no fragment.
_PLAIN_TARGET = re.compile(rb"/[!\"$-~]*")
_HTTP_1_0 = "1.0"


class ContractProtocol(HttpToolsProtocol):
    """One connection to a contract app."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not isinstance(self.config.app, ContractApp):
            raise TypeError("this protocol is for contract apps")
        self._contract_app = self.config.app
        self._idle_since: float | None = None
        self._defaults: list[tuple[bytes, bytes]] = []
        self._written_defaults = b""

    def default_lines(self) -> bytes:
        """The header lines of every answer, the date above all, of which the server makes a new one each
        second."""
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:
            self._defaults = defaults
            self._written_defaults = b"".join(b"%b: %b\r\n" % field for field in defaults)
        return self._written_defaults

    def send_400_response(self, msg: str) -> None:
        """A problem, as every error is, for what the parser does not take for a request.

        Where it follows a request, such as a body that is longer than was said, that request's answer is the only one:
        a client must not take the refusal for it and believe that nothing was done.
        """
        del msg
        before = self.cycle
        if before is not None and not before.response_complete and not before.more_body:
            before.keep_alive = False
            self.flow.pause_reading()
            return
        correlation_id, problem = new_correlation_id(), refusals.malformed_request()
        body = problem.content(correlation_id)
        outcome = Outcome(problem.status, body, PROBLEM_MEDIA_TYPE, problem.headers, problem.code)
        lines = [STATUS_LINE[outcome.status], self.default_lines()]
        lines += [b"%b: %b\r\n" % field for field in outcome.fields(correlation_id)]
        self.transport.write(b"".join([*lines, b"connection: close\r\n\r\n", body]))
        self.transport.close()

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        path, query = split_target(self.url)
        if self._contract_app.is_page(path):
            self._begin_page()
            return
        before, cycle = self.cycle, _Exchange(self, self._contract_app, path, query)
        self.cycle = cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _begin_page(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    # An idle connection is closed by one timer that looks again, not by a new one after each answer.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._look_again_in(left_s)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()


class _Exchange(RequestResponseCycle):
    """One request and its answer."""

    def __init__(self, protocol: ContractProtocol, app: ContractApp, path: bytes, query: bytes) -> None:
        parser = protocol.parser
        self._method = parser.get_method().decode("ascii")
        super().__init__(
            scope={"method": self._method},  # type: ignore[typeddict-item] # all that is read of it
            transport=protocol.transport,
            flow=protocol.flow,
            logger=protocol.logger,
            access_logger=protocol.access_logger,
            access_log=False,
            default_headers=protocol.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=protocol.expect_100_continue,
            keep_alive=parser.get_http_version() != _HTTP_1_0 and parser.should_keep_alive(),
            on_response=protocol.on_response_complete,
        )
        self._protocol = protocol
        self._contract_app = app
        self._path = path
        self._query = query
        self._headers = protocol.headers

    async def run_asgi(self, app: Any) -> None:
        """uvicorn's own, for what becomes of errors and of cancellation."""
        del app
        await super().run_asgi(self._serve)  # type: ignore[arg-type]

    async def _serve(self, _scope: Any, receive: Receive, _send: Send) -> None:
        whole = None if self.more_body else bytes(self.body)
        request = Request.of_fields(self._method, self._path, self._query, self._headers, receive, whole)
        await self._contract_app.serve(request, self)

    async def give(self, outcome: Outcome, request: Request) -> None:
        """Write the answer: in one piece where it is one and the client takes it now."""
        body = outcome.body
        if not isinstance(body, bytes) or self.flow.write_paused:
            await outcome.send(self._send_message, request.method, request.correlation_id)
            return
        if self.disconnected:
            return
        self.response_started = True
        lines = [STATUS_LINE[outcome.status], self._protocol.default_lines()]
        lines += [b"%b: %b\r\n" % field for field in outcome.fields(request.correlation_id)]
        lines.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        if request.method != "HEAD":
            lines.append(body)
        self.transport.write(b"".join(lines))
        self.response_complete = True
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _send_message(self, message: Message) -> None:
        await self.send(message)  # type: ignore[arg-type] # the messages of ASGI


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """The path and the query of a request's target. Raises `httptools.HttpParserError` for what is none."""
    if _PLAIN_TARGET.fullmatch(target):
        path, _, query = target.partition(b"?")
        return path, query
    parsed = httptools.parse_url(target)
    return parsed.path, parsed.query or b""
