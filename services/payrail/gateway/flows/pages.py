"""Cursors: a position in a list that only grows at one end, made opaque so that nobody builds one."""

import base64
import binascii


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
