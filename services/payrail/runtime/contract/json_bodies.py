"""Reads JSON from the wire strictly: UTF-8, finite numbers, unique keys, limited depth, no NUL, no lone
surrogates."""

import json
import re
from typing import Any

import orjson

from . import refusals

DEPTH_MAX = 64

# An unterminated string matches up to the end of the text, so that no input makes the search start again and
# again.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")


def parse_json(raw: bytes) -> Any:
    """The value of a JSON text. Raises a Problem 400: invalid_encoding, too_deep or malformed_json."""
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and _deeper_than(raw, DEPTH_MAX):
        raise refusals.too_deep(DEPTH_MAX)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise _refusal(raw) from None
    if b"\\u0000" in raw and _holds_nul(value):
        raise refusals.invalid_encoding("The body")
    if _repeats_a_key(raw, value):
        raise refusals.malformed_json("An object names the same member twice.")
    return value


def _deeper_than(raw: bytes, limit: int) -> bool:
    """Takes the innermost pairs of brackets away, one level in each round, so that the work stays in C."""
    brackets = _STRING.sub(b"", raw).translate(_AS_SQUARE, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    # Brackets that never close stay as well; unless they alone are too many, the text is just broken.
    return b"[]" in brackets or brackets.count(b"[") > limit


def _refusal(raw: bytes) -> Exception:
    """Why orjson refused: it does not say so by type, so the text is read again by a second parser."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return refusals.invalid_encoding("The body")
    if not text.strip():
        return refusals.malformed_json("The body is empty.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return refusals.malformed_json("The body is not a complete JSON text.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return refusals.invalid_encoding("The body")
    return refusals.malformed_json("The body holds a number that is out of range.")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _holds_nul(value: Any) -> bool:
    if type(value) is str:
        return "\x00" in value
    if type(value) is dict:
        return any("\x00" in name or _holds_nul(member) for name, member in value.items())
    return type(value) is list and any(map(_holds_nul, value))


def _repeats_a_key(raw: bytes, value: Any) -> bool:
    """A parsed object keeps one of two equal keys; then the text has more colons between tokens than
    members. A text that is written again as it was read, as most machines write it, has lost nothing."""
    if orjson.dumps(value) == raw:
        return False
    members = _members(value)
    colons = raw.count(b":")
    return colons != members and _STRING.sub(b"", raw).count(b":") != members


def _members(value: Any) -> int:
    if type(value) is dict:
        count = len(value)
        for member in value.values():
            if type(member) is dict or type(member) is list:
                count += _members(member)
        return count
    if type(value) is list:
        return sum(_members(member) for member in value if type(member) is dict or type(member) is list)
    return 0
