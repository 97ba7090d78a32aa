"""A small service with a contract of its own, to try the contract app on: boxes that hold labels and
cards."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from payrail.runtime.contract_app import (
    Answer,
    Call,
    ContractApp,
    OperationInfo,
    build_contract_app,
)
from payrail.runtime.logs import LogWriter
from payrail.runtime.problems import ErrorTable, Problem
from waiting import LIMIT_S

CARD = "4242424242424242"
BOX_ID = "box_01JD0000000000000000000001"
AUTHORIZED = {"Authorization": "Bearer good-key"}
KEYED = {**AUTHORIZED, "Idempotency-Key": "order-1"}


class ToyError(Exception):
    code = "toy_error"


class BoxLockedError(ToyError):
    code = "box_locked"

    def __init__(self, detail: str) -> None:
        super().__init__("inner detail that nobody may see")
        self.detail = detail
        self.extra = {"processed": False}
        self.headers = {"Retry-After": "1"}


class BoxLockedTwiceError(BoxLockedError):
    """A subclass without an entry of its own."""


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _json(schema: dict[str, Any], description: str = "Done") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_ERRORS = {
    str(status): _problem(f"Status {status}") for status in (400, 401, 403, 404, 409, 413, 415, 422, 500)
}
_BOX = {"$ref": "#/components/schemas/Box"}
_BOX_ID = {
    "name": "box_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^box_[0-9A-HJKMNP-TV-Z]{26}$"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "x-missing-code": "idempotency_key_missing",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

CONTRACT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Toy", "version": "1"},
    "servers": [{"url": "http://127.0.0.1:8026"}],
    "security": [{"ToyKey": []}],
    "paths": {
        "/boxes": {
            "post": {
                "operationId": "create_box",
                "x-required-role": "operator",
                "security": [{"ToyKey": []}, {"ToyKey": [], "AssertedUser": []}],
                "parameters": [_KEY],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewBox"}}},
                },
                "responses": {"201": _json(_BOX), **_ERRORS},
            },
            "get": {
                "operationId": "list_boxes",
                "parameters": [
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                    },
                    {
                        "name": "state",
                        "in": "query",
                        "schema": {"type": "array", "items": {"type": "string", "enum": ["OPEN", "SHUT"]}},
                    },
                    {"name": "heavy", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "ratio", "in": "query", "schema": {"type": "number"}},
                    {"name": "day", "in": "query", "schema": {"type": "string", "format": "date"}},
                    {"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 50}},
                    {"name": "X-Depth", "in": "header", "schema": {"type": "integer", "default": 1}},
                ],
                "responses": {"200": _json({"type": "object"}), **_ERRORS},
            },
        },
        "/boxes/{box_id}": {
            "parameters": [_BOX_ID],
            "get": {"operationId": "get_box", "responses": {"200": _json(_BOX), **_ERRORS}},
            "delete": {"operationId": "delete_box", "responses": {"204": {"description": "Gone"}, **_ERRORS}},
        },
        "/boxes/newest": {
            "get": {"operationId": "newest_box", "responses": {"200": _json(_BOX), **_ERRORS}},
        },
        "/labels/{name}": {
            "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "get_label", "responses": {"200": _json({"type": "object"}), **_ERRORS}},
        },
        "/outcomes": {
            "post": {
                "operationId": "make_outcome",
                "security": [],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {
                    "200": _json(_BOX),
                    "202": {"description": "Text", "content": {"text/csv": {"schema": {"type": "string"}}}},
                    **_ERRORS,
                },
            }
        },
        "/health": {
            "get": {"operationId": "health", "security": [], "responses": {"200": _json({"type": "object"})}},
        },
    },
    "components": {
        "securitySchemes": {
            "ToyKey": {"type": "http", "scheme": "bearer"},
            "AssertedUser": {"type": "apiKey", "in": "header", "name": "X-User-Id"},
        },
        "schemas": {
            "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "instance", "code", "correlation_id"],
                "properties": {
                    "type": {"type": "string", "format": "uri-reference"},
                    "status": {"type": "integer"},
                    "code": {"type": "string", "pattern": "^[a-z_]+$"},
                },
            },
            "Card": {
                "type": "object",
                "additionalProperties": False,
                "required": ["number"],
                "properties": {
                    "number": {"type": "string", "format": "card-number", "pattern": "^[0-9]{12,19}$"},
                    "cvc": {"type": "string", "format": "cvc", "writeOnly": True},
                },
            },
            "NewBox": {
                "type": "object",
                "additionalProperties": False,
                "required": ["amount", "method"],
                "properties": {
                    "amount": {"type": "integer", "minimum": 1, "maximum": 999999999999},
                    "currency": {"type": "string", "enum": ["EUR", "USD"]},
                    "label": {"type": "string", "maxLength": 200, "nullable": True},
                    "at": {"type": "string", "format": "date-time"},
                    "parent": {"type": "string", "pattern": "^box_[0-9A-HJKMNP-TV-Z]{26}$"},
                    "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    "anything": {},
                    "method": {
                        "oneOf": [
                            {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["card"],
                                "properties": {"card": {"$ref": "#/components/schemas/Card"}},
                            },
                            {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["token"],
                                "properties": {"token": {"type": "string"}},
                            },
                        ]
                    },
                },
            },
            "Box": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label"],
                "properties": {
                    "id": {"type": "string"},
                    "label": {"type": "string", "nullable": True},
                    "body": {},
                    "cvc": {"type": "string", "writeOnly": True},
                },
            },
        },
    },
}


def new_box(**changes: Any) -> dict[str, Any]:
    """A body that `create_box` accepts, with some members changed."""
    return {"amount": 100, "currency": "EUR", "method": {"token": "tok_1"}, **changes}


class Caller:
    def __init__(self, name: str, user: str | None) -> None:
        self.name = name
        self.user = user


class Toy:
    """The service: it remembers its calls, and `/outcomes` does whatever `outcome` says."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.events: list[str] = []
        self.operations: list[OperationInfo] = []
        self.outcome: Answer | Exception = Answer(200, {"id": BOX_ID, "label": None})
        self.log = io.BytesIO()
        self.writer = LogWriter(self.log)
        self.app = self.build()

    def build(self, contract: dict[str, Any] = CONTRACT) -> ContractApp:
        return build_contract_app(
            service="toy",
            contract=contract,
            handlers={
                "create_box": self.create_box,
                "list_boxes": self.echo,
                "get_box": self.show,
                "newest_box": self.show,
                "delete_box": self.delete,
                "get_label": self.echo,
                "make_outcome": self.make_outcome,
                "health": self.echo,
            },
            authenticate={"ToyKey": self.authenticate},
            errors=ErrorTable(
                {BoxLockedError: (409, "The box is locked"), ToyError: (418, "Not documented")}
            ),
            lifespan=self.lifespan,
            log=self.writer,
        )

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://toy")

    def log_lines(self) -> list[dict[str, Any]]:
        self.writer.close(LIMIT_S)
        return [orjson.loads(line) for line in self.log.getvalue().splitlines()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        self.events.append("started")
        yield
        self.events.append("stopped")

    def authenticate(self, key: str, identity: Mapping[str, str], operation: OperationInfo) -> Caller:
        self.operations.append(operation)
        if key == "weak-key":
            raise Problem(403, "forbidden", "The caller may not do this")
        if key != "good-key":
            raise Problem(
                401, "unauthorized", "The key is missing or unknown", headers={"WWW-Authenticate": "Bearer"}
            )
        return Caller("gateway", identity.get("x-user-id"))

    async def create_box(self, call: Call) -> Answer:
        self.calls.append(call)
        call.log["box_id"] = BOX_ID
        return Answer(201, {"id": BOX_ID, "label": call.body.get("label")}, {"Location": f"/boxes/{BOX_ID}"})

    async def show(self, call: Call) -> Answer:
        self.calls.append(call)
        return Answer(200, {"id": call.path.get("box_id", "newest"), "label": None})

    async def delete(self, call: Call) -> Answer:
        self.calls.append(call)
        return Answer(204)

    async def echo(self, call: Call) -> Answer:
        self.calls.append(call)
        return Answer(200, {**call.path, **call.query})

    async def make_outcome(self, call: Call) -> Answer:
        self.calls.append(call)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome
