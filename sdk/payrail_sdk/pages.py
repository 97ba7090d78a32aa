"""Lists that page by themselves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page as the gateway answers it."""

    data: list[Item]
    """The items of this page."""
    next_cursor: str | None
    """Where the next page begins; None on the last one. Opaque: keep it to go on later by `cursor=`."""


class Listing(Generic[Item]):
    """A list that is fetched page by page while it is iterated.

    Nothing is requested before. Each iteration begins at the start; items added meanwhile do not disturb it.
    Every fetch may raise a PayRailError.
    """

    def __init__(self, fetch: Callable[[str | None], Page[Item]], cursor: str | None) -> None:
        self._fetch, self._cursor = fetch, cursor

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page.data

    def pages(self) -> Iterator[Page[Item]]:
        """The pages, one request each."""
        page = self.first_page()
        yield page
        while page.next_cursor is not None:
            page = self._fetch(page.next_cursor)
            yield page

    def first_page(self) -> Page[Item]:
        """The first page alone, with the cursor of the next."""
        return self._fetch(self._cursor)


class AsyncListing(Generic[Item]):
    """As `Listing`, for `async for`."""

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[Item]]], cursor: str | None) -> None:
        self._fetch, self._cursor = fetch, cursor

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in page.data:
                yield item

    async def pages(self) -> AsyncIterator[Page[Item]]:
        """The pages, one request each."""
        page = await self.first_page()
        yield page
        while page.next_cursor is not None:
            page = await self._fetch(page.next_cursor)
            yield page

    async def first_page(self) -> Page[Item]:
        """The first page alone, with the cursor of the next."""
        return await self._fetch(self._cursor)
