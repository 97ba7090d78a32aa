"""One call of an operation: what is sent, what an answer means, when to try again.

Sync and async differ only in how they send and wait (`_senders`); all that is decided is decided here.
"""

import logging
import random
from typing import Any, TypedDict, TypeVar

import httpx

from . import _problems
from ._retry import wait_before_retry_s
from ._settings import CONNECT_TIMEOUT_MAX_S, Settings
from .errors import ConnectionFailed, PayRailError, TimedOut, UnreadableAnswer

Parsed = TypeVar("Parsed")

#: Says what was answered (debug) and what is tried again (info): method, path, status and ids; never a key, a body or a
#: query, which may hold what a person typed.
LOG = logging.getLogger("payrail_sdk")

#: What generated parsing raises for a body that is not what the contract says.
MISFIT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

#: The request itself cannot be sent; the same request again would end the same way.
_NEVER_BETTER = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.TooManyRedirects)
_SAFE_METHODS = ("get", "head")
_IDEMPOTENCY_KEY = "Idempotency-Key"


class WholeAnswer(TypedDict):
    """A successful answer as it came, and how it was got."""

    status: int
    headers: dict[str, str]
    body: bytes
    correlation_id: str
    idempotency_key: str | None
    retries: int


class Exchange:
    """The state of one call: its ids, its tries, its answer."""

    def __init__(self, settings: Settings, correlation_id: str) -> None:
        self._settings = settings
        self._correlation_id = correlation_id
        self._name = ""
        self._idempotency_key: str | None = None
        self._repeatable = False
        self._retries = 0
        self._waited_s = 0.0
        self._answer: httpx.Response | None = None

    def request(self, generated: dict[str, Any]) -> dict[str, Any]:
        """The arguments of every try, made of those that the generated function gives: one request, one key."""
        headers: dict[str, str] = generated.get("headers", {})
        self._idempotency_key = headers.get(_IDEMPOTENCY_KEY)
        self._name = f"{generated['method'].upper()} {generated['url']}"
        # A change without a key must not be made twice, and nobody can tell whether it was made once.
        self._repeatable = generated["method"] in _SAFE_METHODS or self._idempotency_key is not None
        timeout_s = self._settings.timeout_s
        return generated | {
            "url": self._settings.base_url + generated["url"],
            "headers": self._settings.headers | headers | {"X-Correlation-Id": self._correlation_id},
            "timeout": httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_MAX_S)),
            # Given even to a client of the caller's own: the key goes to the gateway alone, and as it is.
            "follow_redirects": False,
            "auth": None,
        }

    def answered(self, answer: httpx.Response) -> float | None:
        """None for a success, which is then to be parsed; else how long to wait before the next try.

        Raises the typed error when there is to be no next try.
        """
        LOG.debug("%s: %s (correlation id %s)", self._name, answer.status_code, self._correlation_id)
        if answer.is_success:
            self._answer = answer
            return None
        error = _problems.error_of(answer, self._correlation_id, self._idempotency_key)
        return self._wait_s(error, error)

    def lost(self, cause: httpx.RequestError) -> float:
        """How long to wait after a try without an answer. Raises the typed error when there is to be no next try."""
        kind = TimedOut if isinstance(cause, httpx.TimeoutException) else ConnectionFailed
        error = kind(_LOST[kind], correlation_id=self._correlation_id, idempotency_key=self._idempotency_key)
        if isinstance(cause, _NEVER_BETTER):
            raise error from cause
        return self._wait_s(error, cause)

    def misfit(self) -> UnreadableAnswer | None:
        """The error to raise when a generated function could not read the answer. None when there was no answer: then
        the fault is in what was to be sent, and what the function raised tells the caller best."""
        if self._answer is None:
            return None
        return _problems.unreadable(self._answer, self._correlation_id, self._idempotency_key)

    def whole_answer(self) -> WholeAnswer:
        """All that came with the success. There must have been one."""
        answer = self._answer
        if answer is None:
            raise TypeError("the operation made no request")
        headers = _problems.plain_headers(answer)
        return WholeAnswer(
            status=answer.status_code,
            headers=headers,
            body=answer.content,
            correlation_id=headers.get(_problems.CORRELATION_ID) or self._correlation_id,
            idempotency_key=self._idempotency_key,
            retries=self._retries,
        )

    def parsed(self, result: object, expected: type[Parsed]) -> Parsed:
        """The parsed answer. A success without the expected body, such as a 204, is an UnreadableAnswer."""
        if isinstance(result, expected):
            return result
        raise self.misfit() or TypeError(f"the operation returned no {expected.__name__}")

    def _wait_s(self, error: PayRailError, cause: Exception) -> float:
        wait_s = (
            wait_before_retry_s(
                self._settings.retry,
                error,
                retries=self._retries,
                waited_s=self._waited_s,
                jitter=random.random(),  # noqa: S311 - spreads load, keeps no secret
            )
            if self._repeatable
            else None
        )
        if wait_s is None:
            raise error from (None if cause is error else cause)
        self._retries += 1
        self._waited_s += wait_s
        LOG.info("%s: %s; again in %.2f s", self._name, error, wait_s)
        return wait_s


_LOST: dict[type[PayRailError], str] = {
    TimedOut: "No answer in time; the outcome is unknown",
    ConnectionFailed: "No connection, or it broke before the answer was whole",
}
