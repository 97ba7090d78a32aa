"""RFC 9457 problems: the one shape of every error on the wire, and the table that maps a service's errors to
it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

PROBLEM_MEDIA_TYPE = "application/problem+json"

_ERROR_CLASSES = (4, 5)


class Problem(Exception):  # noqa: N818 - the name that RFC 9457 gives it
    """An answer that says what went wrong. Nothing in it may hold a card number, a key or an inner detail.

    `code` is stable and decides; `title` names the kind of problem; `detail` says what happened this time.
    `errors` lists faults of a request as `{pointer, message}`; `extra` holds extension members.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.detail = title if detail is None else detail
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def document(self, correlation_id: str) -> dict[str, Any]:
        """The problem document of this occurrence; `instance` names it by its correlation id, never by its
        path."""
        document = {
            **self.extra,
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"/requests/{quote(correlation_id, safe='')}",
            "code": self.code,
            "correlation_id": correlation_id,
        }
        if self.errors:
            document["errors"] = self.errors
        return document

    def content(self, correlation_id: str) -> bytes:
        """The document as it goes on the wire."""
        return orjson.dumps(self.document(correlation_id))


def internal_error() -> Problem:
    """The one answer to every fault of ours: it says nothing of the fault."""
    return Problem(500, "internal_error", "Something went wrong", "The request could not be finished.")


class ErrorTable:
    """Maps exception classes to (status, title). The nearest class in an exception's MRO decides.

    A mapped exception has a stable `code` and may have `detail`, `errors`, `headers` and `extra`; its `str()`
    is never shown. Raises ValueError for an entry that could not be rendered.
    """

    def __init__(self, entries: Mapping[type[Exception], tuple[int, str]]) -> None:
        for error, (status, title) in entries.items():
            if status // 100 not in _ERROR_CLASSES or not title:
                raise ValueError(f"{error.__name__} is mapped to {status} {title!r}, which is no problem")
        self._entries = dict(entries)

    def problem_for(self, error: Exception) -> Problem | None:
        """The problem of `error`, or None when no class of it is in the table."""
        if isinstance(error, Problem):
            return error
        for kind in type(error).__mro__:
            mapped = self._entries.get(kind)
            if mapped is not None:
                return _problem(error, *mapped)
        return None


def _problem(error: Exception, status: int, title: str) -> Problem:
    code = getattr(error, "code", None)
    if not isinstance(code, str):
        raise TypeError(f"{type(error).__name__} is in the error table but has no stable code")
    return Problem(
        status,
        code,
        title,
        getattr(error, "detail", None),
        errors=getattr(error, "errors", None),
        headers=getattr(error, "headers", None),
        extra=getattr(error, "extra", None),
    )
