"""Answers on their way out: checked against the contract, written once, sent."""

import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from jsonschema_rs import Draft4Validator

from payrail.runtime.problems import PROBLEM_MEDIA_TYPE, Problem

from .calls import Answer, JsonPieces
from .requests import Send
from .schemas import SchemaCompiler, faults

_HEADER_VALUE = re.compile(r"[\t -~\u00a0-\u00ff]*")


class ContractViolationError(Exception):
    """A service's own answer is not as its contract says. The message names places and rules, never
    values."""


class Outcome:
    """What goes on the wire. `code` is the problem's, for the log line."""

    __slots__ = ("body", "code", "headers", "media_type", "status")

    def __init__(
        self,
        status: int,
        body: bytes | AsyncIterator[bytes],
        media_type: str | None,
        headers: Mapping[str, str],
        code: str | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.headers = headers
        self.code = code

    @classmethod
    def of_problem(cls, problem: Problem, correlation_id: str) -> "Outcome":
        body = problem.content(correlation_id)
        return cls(problem.status, body, PROBLEM_MEDIA_TYPE, problem.headers, problem.code)

    def fields(self, correlation_id: str) -> list[tuple[bytes, bytes]]:
        """The header fields as they go on the wire."""
        fields = [(b"x-correlation-id", correlation_id.encode("ascii"))]
        if self.media_type is not None:
            fields.append((b"content-type", self.media_type.encode("latin-1")))
        for name, value in self.headers.items():
            fields.append((name.lower().encode("ascii"), value.encode("latin-1")))
        if isinstance(self.body, bytes) and self.status != HTTPStatus.NO_CONTENT:
            fields.append((b"content-length", b"%d" % len(self.body)))
        return fields

    async def send(self, send: Send, method: str, correlation_id: str) -> None:
        """Sends the answer as ASGI has it; HEAD gets the headers alone."""
        body = self.body
        await send(
            {"type": "http.response.start", "status": self.status, "headers": self.fields(correlation_id)}
        )
        if isinstance(body, bytes):
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
            return
        if method != "HEAD":
            async for chunk in body:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class _Described:
    """One response of the contract."""

    __slots__ = ("media", "required_headers")

    def __init__(self, response: Mapping[str, Any], compiler: SchemaCompiler) -> None:
        self.media: dict[str, Draft4Validator | None] = {}
        for media_type, content in response.get("content", {}).items():
            is_json = media_type.endswith("json") and "schema" in content
            self.media[media_type] = compiler.response(content["schema"]) if is_json else None
        self.required_headers = [
            name.lower()
            for name, header in response.get("headers", {}).items()
            if header.get("required") and name.lower() != "x-correlation-id"
        ]


class Answers:
    """The responses of one operation, compiled."""

    def __init__(self, responses: Mapping[str, Mapping[str, Any]], compiler: SchemaCompiler) -> None:
        self._by_status: dict[str, _Described] = {
            status.upper(): _Described(response, compiler) for status, response in responses.items()
        }
        self._exact = {int(status): one for status, one in self._by_status.items() if status.isdigit()}

    def _described(self, status: int) -> _Described:
        described = self._exact.get(status)
        if described is None:
            described = self._by_status.get(f"{status // 100}XX") or self._by_status.get("DEFAULT")
            if described is None:
                raise ContractViolationError(f"status {status} is not in the contract")
        return described

    def checked(self, answer: Answer) -> Outcome:
        """The handler's answer as it goes out. Raises ContractViolationError."""
        described = self._exact.get(answer.status) or self._described(answer.status)
        if described.required_headers or answer.headers:
            _check_headers(answer.headers, described.required_headers)
        if not described.media:
            if answer.body is not None:
                raise ContractViolationError(f"status {answer.status} has no body in the contract")
            return Outcome(answer.status, b"", None, answer.headers)
        media_type = answer.media_type
        if media_type not in described.media:
            media_type = media_type.partition(";")[0]
            if media_type not in described.media:
                raise ContractViolationError(f"status {answer.status} has no {media_type} in the contract")
        validator = described.media[media_type]
        if validator is None:
            body = _written(answer.body)
        elif type(answer.body) is dict and validator.is_valid(answer.body):
            body = orjson.dumps(answer.body)
        else:
            body = _checked_json(answer.body, validator)
        return Outcome(answer.status, body, answer.media_type, answer.headers)

    def problem(self, problem: Problem, correlation_id: str) -> Outcome:
        """A problem that the operation's own work ended in. Raises ContractViolationError."""
        described = self._described(problem.status)
        if described.required_headers or problem.headers:
            _check_headers(problem.headers, described.required_headers)
        if PROBLEM_MEDIA_TYPE not in described.media:
            raise ContractViolationError(
                f"status {problem.status} has no {PROBLEM_MEDIA_TYPE} in the contract"
            )
        validator = described.media[PROBLEM_MEDIA_TYPE]
        document = problem.document(correlation_id)
        body = orjson.dumps(document) if validator is None else _valid_json(document, validator, problem.code)
        return Outcome(problem.status, body, PROBLEM_MEDIA_TYPE, problem.headers, problem.code)


def _checked_json(body: Any, validator: Draft4Validator) -> bytes | AsyncIterator[bytes]:
    if isinstance(body, JsonPieces):
        return _valid_pieces(body, validator)
    return _valid_json(body, validator)


async def _valid_pieces(body: JsonPieces, validator: Draft4Validator) -> AsyncIterator[bytes]:
    """The object as it grows. Each piece is checked as if it were the whole list; what is wrong ends the connection."""
    before = b'{"%s":[' % body.name.encode()
    async for piece in body.pieces:
        items = _valid_json({body.name: piece}, validator)[len(body.name) + 5 : -2]
        if items:
            yield before + items
            before = b","
    yield b"]}" if before == b"," else before + b"]}"


def _valid_json(body: Any, validator: Draft4Validator, code: str = "") -> bytes:
    value = orjson.loads(body) if isinstance(body, bytes) else body
    if not validator.is_valid(value):
        wrong = "; ".join(
            f"{fault['pointer'] or '/'} {fault['message']}" for fault in faults(validator, value)
        )
        raise ContractViolationError(
            f"the body is not as in the contract: {code and f'code {code}: '}{wrong}"
        )
    return body if isinstance(body, bytes) else orjson.dumps(body)


def _written(body: Any) -> bytes | AsyncIterator[bytes]:
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes) or hasattr(body, "__aiter__"):
        return body  # type: ignore[no-any-return]
    raise ContractViolationError(f"a body of type {type(body).__name__} has no text form")


def _check_headers(headers: Mapping[str, str], required: list[str]) -> None:
    present = {name.lower() for name in headers}
    missing = [name for name in required if name not in present]
    if missing:
        raise ContractViolationError(f"header {missing[0]} is missing")
    for name, value in headers.items():
        if not _HEADER_VALUE.fullmatch(value):
            raise ContractViolationError(f"header {name} has a value that no header may have")
