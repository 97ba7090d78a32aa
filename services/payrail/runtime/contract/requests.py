"""One HTTP request as the contract app sees it: headers read once, correlation settled, the body read with a
limit."""

import os
import random
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Self

from payrail.runtime.card_numbers import find_card_number

from . import refusals

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_BYTES_MAX = 1024 * 1024

_VISIBLE = re.compile(rb"[!-~]{1,128}")
# Most ids have too few digits for a card number, and one look says so.
_FEW_DIGITS = re.compile(rb"(?:[!-/:-~]*+[0-9]){0,12}[!-/:-~]*+")
_LENGTH_MAX = 128
# W3C Trace Context, version 00: trace id and parent id are not all zero.
_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# Ids must differ, not be secret; the system's generator costs a system call for each. Forks differ as well.
_random = random.Random()  # noqa: S311
os.register_at_fork(after_in_child=_random.seed)
_LETTERS = str.maketrans("0123456789", "ghjkmnpqrs")
_NONE_REPEATED: frozenset[bytes] = frozenset()


class ClientGoneError(Exception):
    """The client closed the connection before its request was whole; nobody waits for an answer."""


class Request:
    """One request. `log` collects what its log line says beside the usual fields.

    Header names are in lower case. `whole` is the body where all of it is here already and it is not too large;
    without it, the body is what `receive` brings, as ASGI has it.
    """

    __slots__ = (
        "_receive",
        "correlation_id",
        "headers",
        "log",
        "method",
        "operation",
        "query",
        "raw_path",
        "repeated",
        "route",
        "whole",
    )

    def __init__(
        self,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: dict[bytes, bytes],
        receive: Receive,
        *,
        repeated: frozenset[bytes] = _NONE_REPEATED,
        whole: bytes | None = None,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.query = query
        self._receive = receive
        self.whole = whole if whole is not None and len(whole) <= BODY_BYTES_MAX else None
        self.headers = headers
        self.repeated = repeated
        self.correlation_id = self._correlation_id()
        self.operation: str | None = None
        self.route: str | None = None
        self.log: dict[str, Any] = {}

    @classmethod
    def of_fields(
        cls,
        method: str,
        raw_path: bytes,
        query: bytes,
        fields: list[tuple[bytes, bytes]],
        receive: Receive,
        whole: bytes | None = None,
    ) -> Self:
        """A request as it came over a network, where a name may stand twice."""
        headers, repeated = dict(fields), _NONE_REPEATED
        if len(headers) != len(fields):
            names = [name for name, _ in fields]
            repeated = frozenset(name for name in headers if names.count(name) > 1)
        return cls(method, raw_path, query, headers, receive, repeated=repeated, whole=whole)

    @classmethod
    def of_scope(cls, scope: Scope, receive: Receive) -> Self:
        """The request of an ASGI scope."""
        raw_path = scope.get("raw_path") or scope["path"].encode()
        return cls.of_fields(scope["method"], raw_path, scope["query_string"], scope["headers"], receive)

    def _correlation_id(self) -> str:
        given = self.headers.get(b"x-correlation-id")
        if not given:
            return new_correlation_id()
        if len(given) <= _LENGTH_MAX and not self.repeated and _FEW_DIGITS.fullmatch(given):
            return given.decode("ascii")
        if b"x-correlation-id" not in self.repeated and _VISIBLE.fullmatch(given):
            text = given.decode("ascii")
            if not find_card_number(text):
                return text
        return new_correlation_id()

    @property
    def traceparent(self) -> str | None:
        """The W3C trace context of the caller, if it is well-formed."""
        given = self.headers.get(b"traceparent")
        if given is None or b"traceparent" in self.repeated or not _TRACEPARENT.fullmatch(given):
            return None
        return given.decode("ascii")

    async def body(self) -> bytes:
        """The body as it comes, for a request that is not here as a whole. Raises a Problem 413 as soon as it is
        known to be too large."""
        announced = self.headers.get(b"content-length")
        if announced is not None and announced.isdigit() and int(announced[:20]) > BODY_BYTES_MAX:
            raise refusals.payload_too_large(BODY_BYTES_MAX)
        message = await self._chunk()
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False) and len(first) <= BODY_BYTES_MAX:
            return first
        chunks, size = [first], len(first)
        while message.get("more_body", False) and size <= BODY_BYTES_MAX:
            message = await self._chunk()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        if size > BODY_BYTES_MAX:
            raise refusals.payload_too_large(BODY_BYTES_MAX)
        return b"".join(chunks)

    async def _chunk(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message


def new_correlation_id() -> str:
    """A random id of letters alone, so that none looks like a card number."""
    return "req_" + f"{_random.getrandbits(112):028x}".translate(_LETTERS)
