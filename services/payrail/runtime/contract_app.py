"""An ASGI app made from a contract: Connexion reads the document, and all that a request needs is compiled at
start.

Requests and answers are validated, every error is a problem document, and each request leaves one log line.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Protocol

from starlette.exceptions import HTTPException

from .contract import refusals
from .contract.answers import ContractViolationError, Outcome
from .contract.calls import Answer, Authenticator, Call, Handler, JsonPieces, OperationInfo
from .contract.document import (
    DOCS_PATH,
    DOCUMENT_PATH,
    ContractAPI,
    ContractDocument,
    ContractError,
    document_pages,
)
from .contract.requests import ClientGoneError, Message, Receive, Request, Scope, Send
from .contract.routes import RouteTable
from .lifespan import LIFESPAN_ERROR
from .logs import LogWriter, stderr_log
from .problems import ErrorTable, Problem, internal_error

__all__ = [
    "Answer",
    "Authenticator",
    "Call",
    "ContractApp",
    "ContractError",
    "ContractViolationError",
    "Handler",
    "JsonPieces",
    "OperationInfo",
    "build_contract_app",
]

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]
#: Told of each request when it is answered: operationId (none where no operation fits), status, duration in seconds.
Observer = Callable[[str | None, int, float], None]
#: Sees the answer of an operation before it goes out; what it returns goes out in its place.
Witness = Callable[[Request, Outcome], Awaitable[Outcome]]


class Reply(Protocol):
    """The way back to whoever asked."""

    async def give(self, outcome: Outcome, request: Request) -> None:
        """Bring the answer to its caller."""


_STATUS_CLIENT_GONE = 499
# What may follow /docs: nothing, or the name of one file of Swagger UI.
_PAGE = re.compile(rb"(?:/[A-Za-z0-9._-]{0,100})?")
# Keys are typed into Swagger UI, so the browser is told to load and to send nothing elsewhere. It has its scripts and
# styles in the page itself.
_PAGE_POLICY = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A method is free text of the client, and what it may hold must not reach the log.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


def build_contract_app(
    *,
    service: str,
    contract: dict[str, Any],
    handlers: Mapping[str, Handler],
    authenticate: Mapping[str, Authenticator],
    errors: ErrorTable,
    lifespan: Lifespan | None = None,
    log: LogWriter | None = None,
    observe: Observer | None = None,
    witness: Witness | None = None,
) -> "ContractApp":
    """The app of `service`.

    `handlers` is keyed by operationId and `authenticate` by security scheme; each operation must have a
    handler and each handler an operation. `contract` is a bundled OpenAPI 3.0 document and is not changed.
    `lifespan` makes an async context manager that is entered before the first request and left after the
    last. `witness` sees every answer to a request that an operation was found for. Raises ContractError when
    contract and handlers do not fit.
    """
    document = ContractDocument(contract)
    api = ContractAPI(document, handlers=handlers, authenticate=authenticate, errors=errors)
    return ContractApp(service, document, api.routes, lifespan, log or stderr_log(), observe, witness)


class ContractApp:
    """The ASGI app. Serves the contract's operations, `/openapi.json` and Swagger UI at `/docs`."""

    def __init__(
        self,
        service: str,
        document: ContractDocument,
        routes: RouteTable,
        lifespan: Lifespan | None,
        log: LogWriter,
        observe: Observer | None,
        witness: Witness | None = None,
    ) -> None:
        self.service = service
        self.routes = routes
        self._lifespan = lifespan
        self._log = log
        self._observe = observe
        self._witness = witness
        self._pages = document_pages(document, _nothing_here)
        base = document.base_path.encode()
        self._docs, self._document = base + DOCS_PATH.encode(), base + DOCUMENT_PATH.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request.of_scope(scope, receive)
            if self.is_page(request.raw_path):
                await self._serve_page(scope, request, receive, send)
            else:
                await self.serve(request, _Sending(send))
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def is_page(self, raw_path: bytes) -> bool:
        """Whether this is a page of the document, which is served as ASGI has it and in no other way."""
        return raw_path == self._document or raw_path.startswith(self._docs)

    async def serve(self, request: Request, reply: Reply) -> None:
        """Answer a request that is for no page. The reply is given once, unless the client is gone."""
        started_ns = perf_counter_ns()
        status, code = _STATUS_CLIENT_GONE, None
        try:
            outcome = await self._outcome(request)
            if self._witness is not None and request.operation is not None:
                outcome = await self._witnessed(request, outcome, self._witness)
            status, code = outcome.status, outcome.code
            await reply.give(outcome, request)
        except ClientGoneError:
            code = "client_gone"
        finally:
            self._log_request(request, status, code, started_ns)

    async def _outcome(self, request: Request) -> Outcome:
        """The answer, whatever happens."""
        try:
            path, segments = self.routes.find(request.raw_path)
            request.route = path.template
            operation = path.operation(request.method)
            request.operation = operation.info.operation_id
            return await operation.outcome(request, path.names, segments)
        except Problem as problem:
            return Outcome.of_problem(problem, request.correlation_id)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a handler raises becomes an answer
            return self._failed(request, error)

    async def _witnessed(self, request: Request, outcome: Outcome, witness: Witness) -> Outcome:
        try:
            return await witness(request, outcome)
        except Exception as error:  # noqa: BLE001 - the boundary: what is not witnessed does not go out
            return self._failed(request, error)

    def _failed(self, request: Request, error: Exception) -> Outcome:
        self._log.exception(
            "request_failed",
            error,
            service=self.service,
            operation=request.operation,
            correlation_id=request.correlation_id,
        )
        return Outcome.of_problem(internal_error(), request.correlation_id)

    async def _serve_page(self, scope: Scope, request: Request, receive: Receive, send: Send) -> None:
        """Connexion serves the document and Swagger UI; their answers get the correlation id as all others
        do."""
        started_ns = perf_counter_ns()
        status, code = 200, None
        added = [
            (b"x-correlation-id", request.correlation_id.encode("ascii")),
            (b"content-security-policy", _PAGE_POLICY),
        ]

        async def send_correlated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            self._require_page(request)
            # With an app in its scope, Starlette's router raises what it would otherwise answer as plain text.
            page = {**scope, "app": self, "path": request.raw_path.decode("ascii")}
            await self._pages(page, receive, send_correlated)
        except (Problem, HTTPException) as error:
            problem = error if isinstance(error, Problem) else refusals.not_found()
            status, code = problem.status, problem.code
            outcome = Outcome.of_problem(problem, request.correlation_id)
            await outcome.send(send, request.method, request.correlation_id)
        except Exception as error:  # noqa: BLE001 - the boundary, as for an operation
            outcome = self._failed(request, error)
            status, code = outcome.status, outcome.code
            await outcome.send(send, request.method, request.correlation_id)
        finally:
            self._log_request(request, status, code, started_ns)

    def _require_page(self, request: Request) -> None:
        below = request.raw_path[len(self._docs) :]
        if request.raw_path != self._document and not _PAGE.fullmatch(below):
            raise refusals.not_found()
        request.route = request.operation = "openapi_document"
        if request.method not in ("GET", "HEAD"):
            raise refusals.method_not_allowed("GET, HEAD")

    def _log_request(self, request: Request, status: int, code: str | None, started_ns: int) -> None:
        elapsed_ns = perf_counter_ns() - started_ns
        if self._observe is not None:
            self._observe(request.operation, status, elapsed_ns / 1_000_000_000)
        self._log.write(
            {
                "time": datetime.now(UTC),
                "service": self.service,
                "operation": request.operation,
                "method": request.method if request.method in _METHODS else "other",
                "route": request.route,
                "status": status,
                "code": code,
                "duration_ms": elapsed_ns // 1_000 / 1_000,
                "correlation_id": request.correlation_id,
                **request.log,
            }
        )

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI lifespan: what fails is logged here, and the server is told, which then ends.

        A message of the protocol carries no more than text, so the error itself is left in the scope's state.
        """
        await receive()
        phase = "startup"
        try:
            async with self._lifespan() if self._lifespan else _Nothing():
                await send({"type": "lifespan.startup.complete"})
                phase = "shutdown"
                await receive()
        except Exception as error:  # noqa: BLE001 - the boundary: the server is told, and it ends the process
            self._log.exception("lifespan_failed", error, service=self.service, phase=phase)
            scope.get("state", {})[LIFESPAN_ERROR] = error
            await send({"type": f"lifespan.{phase}.failed", "message": f"{self.service}: {phase} failed"})
        else:
            await send({"type": "lifespan.shutdown.complete"})


class _Sending:
    """Gives the answer as ASGI has it."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    async def give(self, outcome: Outcome, request: Request) -> None:
        await outcome.send(self._send, request.method, request.correlation_id)


class _Nothing:
    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...


async def _nothing_here(*_: Any) -> None:
    raise refusals.not_found()
