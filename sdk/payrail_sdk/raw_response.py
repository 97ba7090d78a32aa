"""The whole answer beside what was made of it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from ._exchange import Exchange
from .pages import AsyncListing, Listing, Page

Arguments = ParamSpec("Arguments")
Parsed = TypeVar("Parsed")
Item = TypeVar("Item")
Call = TypeVar("Call", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class RawResponse(Generic[Parsed]):
    """A successful answer as it came. What is none is raised as an `ApiError`, which has the same."""

    parsed: Parsed
    """What the method returns without `with_raw_response`; of a list the first page."""
    status: int
    """The HTTP status, such as 202 for an outcome that is not known yet."""
    headers: Mapping[str, str]
    """The answer's headers, their names in lower case."""
    body: bytes
    """The answer's body as it came."""
    correlation_id: str
    """Finds the request in PayRail's logs and ledger."""
    idempotency_key: str | None
    """The key that the request was sent with."""
    retries: int
    """How many further tries it took."""

    @property
    def replayed(self) -> bool:
        """Whether an earlier request with the same key was answered so, and nothing was done this time."""
        return self.headers.get("idempotent-replayed") == "true"


def raw(method: Callable[Arguments, Parsed]) -> Callable[Arguments, RawResponse[Parsed]]:
    """A resource's method that makes one request, with the whole answer."""

    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> RawResponse[Parsed]:
        watched, calls = _watched(method)
        return _whole(watched(*args, **kwargs), calls)

    return _named(call, method)


def raw_page(method: Callable[Arguments, Listing[Item]]) -> Callable[Arguments, RawResponse[Page[Item]]]:
    """A resource's list, with the whole answer that its first page came in."""

    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> RawResponse[Page[Item]]:
        watched, calls = _watched(method)
        return _whole(watched(*args, **kwargs).first_page(), calls)

    return _named(call, method)


def async_raw(
    method: Callable[Arguments, Awaitable[Parsed]],
) -> Callable[Arguments, Coroutine[Any, Any, RawResponse[Parsed]]]:
    """As `raw`, asynchronously."""

    async def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> RawResponse[Parsed]:
        watched, calls = _watched(method)
        return _whole(await watched(*args, **kwargs), calls)

    return _named(call, method)


def async_raw_page(
    method: Callable[Arguments, AsyncListing[Item]],
) -> Callable[Arguments, Coroutine[Any, Any, RawResponse[Page[Item]]]]:
    """As `raw_page`, asynchronously."""

    async def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> RawResponse[Page[Item]]:
        watched, calls = _watched(method)
        return _whole(await watched(*args, **kwargs).first_page(), calls)

    return _named(call, method)


def _watched(method: Any) -> tuple[Any, list[Exchange]]:
    """The method of a copy of its resource, and the calls that it makes, in order.

    The copy is made for one call, so that calls of several threads or tasks do not see each other's answers.
    """
    calls: list[Exchange] = []
    resource = copy(method.__self__)
    # What this file adds to every resource is theirs to offer, so it may reach for what they send with.
    resource._sender = sender = copy(resource._sender)  # noqa: SLF001
    sender.witness = calls.append
    return getattr(resource, method.__name__), calls


def _whole(parsed: Parsed, calls: list[Exchange]) -> RawResponse[Parsed]:
    return RawResponse(parsed, **calls[-1].whole_answer())


def _named(call: Call, method: Callable[..., Any]) -> Call:
    """`functools.wraps` would keep the annotation of what the method returns, which is what changes."""
    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call
