"""Connexion reads the contract here: references, base path, operations, resolver, security and the document's
pages."""

from collections.abc import Mapping
from typing import Any

from connexion.json_schema import resolve_refs
from connexion.middleware.abstract import AbstractRoutingAPI
from connexion.middleware.swagger_ui import SwaggerUIMiddleware
from connexion.operations.abstract import AbstractOperation
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from connexion.spec import OpenAPISpecification
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payrail.runtime.problems import ErrorTable

from . import swagger_ui
from .calls import Authenticator, Handler, OperationInfo
from .operation import Operation
from .routes import RouteTable
from .schemas import SchemaCompiler

DOCS_PATH = "/docs"
DOCUMENT_PATH = "/openapi.json"
_VIEW = "contract.json"


class ContractError(ValueError):
    """A contract and the handlers given for it do not fit together; the service must not start."""


class ContractDocument(OpenAPISpecification):
    """A bundled contract as Connexion's specification.

    The document is not validated again: the tests do that, and it would cost each start a fifth of a second.
    """

    def __init__(self, contract: dict[str, Any]) -> None:
        self._raw_spec = contract
        self._spec = resolve_refs(contract)  # type: ignore[no-untyped-call]
        self._set_defaults(self._spec)  # type: ignore[no-untyped-call]
        self._base_uri = ""

    def with_base_path(self, base_path: str) -> "ContractDocument":
        """The document to serve: as it was written, with references, but calling the host that it came
        from."""
        served = object.__new__(ContractDocument)
        served._raw_spec = served._spec = {**self._raw_spec, "servers": [{"url": base_path or "/"}]}
        return served


class ContractAPI(AbstractRoutingAPI[Operation]):
    """Connexion walks the contract's paths and resolves each operation; compiled, they go to a table of
    ours."""

    def __init__(
        self,
        document: ContractDocument,
        *,
        handlers: Mapping[str, Handler],
        authenticate: Mapping[str, Authenticator],
        errors: ErrorTable,
    ) -> None:
        self.routes = RouteTable()
        self._authenticate = authenticate
        self._errors = errors
        self._compiler = SchemaCompiler()
        _check_handlers(document, handlers)
        super().__init__(document, resolver=Resolver(handlers.__getitem__))

    def make_operation(self, operation: AbstractOperation) -> Operation:
        definition: dict[str, Any] = self.specification["paths"][operation.path][operation.method]
        info = OperationInfo(
            operation_id=operation.operation_id,
            method=operation.method.upper(),
            path=operation.path,
            extensions={name: value for name, value in definition.items() if name.startswith("x-")},
        )
        try:
            return Operation(
                info=info,
                definition=definition,
                parameters=operation.parameters,
                security=(operation.security, operation.security_schemes, self._authenticate),
                handler=operation.function,
                errors=self._errors,
                compiler=self._compiler,
            )
        except (ValueError, KeyError) as error:
            raise ContractError(f"{info.operation_id}: {error}") from error

    @staticmethod
    def _framework_path_and_name(operation: AbstractOperation, path: str) -> tuple[str, str]:
        return path, operation.operation_id

    def _add_operation_internal(
        self, method: str, path: str, operation: Operation, name: str | None = None
    ) -> None:
        del name
        self.routes.add(method, self.base_path + path, operation)


def _check_handlers(document: ContractDocument, handlers: Mapping[str, Handler]) -> None:
    methods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
    described = [
        operation.get("operationId", "(an operation without operationId)")
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in methods
    ]
    twice = sorted({name for name in described if described.count(name) > 1})
    missing = sorted(set(described) - set(handlers))
    foreign = sorted(set(handlers) - set(described))
    if twice or missing or foreign:
        raise ContractError(
            f"operations described twice: {twice}, without a handler: {missing}; "
            f"handlers without an operation: {foreign}"
        )


def document_pages(document: ContractDocument, default: Any) -> ASGIApp:
    """The ASGI app of `/openapi.json` and Swagger UI at `/docs`; all other paths go to `default`."""
    pages = SwaggerUIMiddleware(default)
    view_path = f"{document.base_path}{DOCS_PATH}/{_VIEW}"
    options = SwaggerUIOptions(
        swagger_ui_path=DOCS_PATH,
        spec_path=DOCUMENT_PATH,
        # Not "tryItOutEnabled": with it Swagger UI fills in what it makes of the schema, not the contract's example.
        swagger_ui_config={"displayOperationId": True, "persistAuthorization": True},
        swagger_ui_template_arguments={"openapi_spec_url": _VIEW},
    )
    pages.add_api(document, base_path=document.base_path, swagger_ui_options=options)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == view_path:
            contract: dict[str, Any] = document.with_base_path(document.base_path).raw
            await JSONResponse(swagger_ui.view(contract))(scope, receive, send)
        elif scope["path"] == f"{document.base_path}{DOCS_PATH}":
            await pages({**scope, "path": scope["path"] + "/"}, receive, _one_level_up(send))
        else:
            await pages(scope, receive, send)

    return serve


def _one_level_up(send: Send) -> Send:
    """Send the page of `/docs/` so that it works at `/docs`, too."""
    parts: list[bytes] = []
    starts: list[Message] = []

    async def send_moved(message: Message) -> None:
        if message["type"] == "http.response.start":
            starts.append(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        page = swagger_ui.one_level_up(b"".join(parts), DOCS_PATH.removeprefix("/"))
        for start in starts:
            others = [header for header in start["headers"] if header[0].lower() != b"content-length"]
            await send({**start, "headers": [*others, (b"content-length", b"%d" % len(page))]})
        await send({"type": "http.response.body", "body": page})

    return send_moved
