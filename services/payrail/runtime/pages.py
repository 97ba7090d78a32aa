"""Pages and cursors: a position in a list that only grows at one end, made opaque so that nobody builds one."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_SCANNED_PER_TURN = 2_000


class InvalidCursor(ValueError):
    """The cursor is not one that a page of a list gave."""

    code = "invalid_parameter"
    detail = "cursor: must be the next_cursor of the page before."


def to_cursor(position: int) -> str:
    """The cursor of a position."""
    return base64.urlsafe_b64encode(b"p%d" % position).rstrip(b"=").decode()


def position_of(cursor: str) -> int:
    """The position a cursor stands for. Raises `InvalidCursor`."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidCursor from None
    if to_cursor(int(text[1:]) if text[1:].isdecimal() else -1) != cursor:
        raise InvalidCursor
    return int(text[1:])


async def newest_first(
    ids: Sequence[str],
    look_up: Callable[[str], T],
    matches: Callable[[T], bool],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[T], str | None]:
    """A page of what matches, from the end of `ids` back, and the cursor of the next page if there is one.

    A cursor is a position in order of creation: what is added later never moves it. Raises `InvalidCursor`.
    """
    below = len(ids) if cursor is None else min(position_of(cursor), len(ids))
    found: list[T] = []
    while below > 0 and len(found) <= limit:
        stop = max(0, below - _SCANNED_PER_TURN)
        for index in range(below - 1, stop - 1, -1):
            below = index
            item = look_up(ids[index])
            if matches(item):
                found.append(item)
                if len(found) > limit:
                    break
        await asyncio.sleep(0)  # A long scan lets other requests through.
    more = len(found) > limit
    # The first item of the next page is `below`; its cursor is the position just after it.
    return found[:limit], to_cursor(below + 1) if more else None
