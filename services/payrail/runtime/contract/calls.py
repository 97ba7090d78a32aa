"""What a handler gets and what it gives back."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OperationInfo:
    """An operation as its contract describes it; `extensions` are its `x-…` fields."""

    operation_id: str
    method: str
    path: str
    extensions: Mapping[str, Any]


@dataclass(slots=True)
class Call:
    """One valid request: parameters in their contract's types, defaults filled in, and an authenticated
    caller.

    `headers` holds the header parameters of the contract by lower-case name. What a handler writes to `log`
    becomes part of the request's log line, so no card number, key or body may go there.
    """

    operation: str
    path: dict[str, Any]
    query: dict[str, Any]
    headers: dict[str, Any]
    body: Any
    caller: Any
    correlation_id: str
    traceparent: str | None
    raw_body: bytes = b""
    accept: str = ""
    log: dict[str, Any] = field(default_factory=dict)


class JsonPieces:
    """A JSON object with one member, a list whose items come some at a time: `{"<name>": […]}`."""

    __slots__ = ("name", "pieces")

    def __init__(self, name: str, pieces: AsyncIterator[list[Any]]) -> None:
        self.name = name
        self.pieces = pieces


@dataclass(slots=True)
class Answer:
    """A handler's answer. `body` is JSON-able, or bytes, text or an async iterator of bytes for other media
    types.

    Bytes with a JSON media type are taken as JSON that is already written, and are sent as they stand.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


Handler = Callable[[Call], Awaitable[Answer]]
Authenticator = Callable[[str, Mapping[str, str], OperationInfo], Any]
"""Gets the bearer key, the identity headers that came (by lower-case name) and the operation. Returns the
caller or an awaitable of it, or raises a Problem with 401 or 403. A caller's `name`, if it has one, is
logged."""
ByteStream = AsyncIterator[bytes]
