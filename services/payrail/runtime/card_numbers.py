"""Finds card numbers in text, so that none is kept or logged where it may not stand."""

import re
from collections.abc import Iterator

_DIGITS_MIN = 13
_DIGITS_MAX = 19

# Up to three separators stand between two groups: spaces of any kind, hyphens and dashes.
_SEPARATOR = r"[\s\-\u2010-\u2015\u2212]{0,3}"
_CANDIDATE = re.compile(rf"\d(?:{_SEPARATOR}\d){{{_DIGITS_MIN - 1},}}")
_GROUP = re.compile(r"\d+")
# The same for JSON as it comes on the wire, provided that it is ASCII and escapes nothing.
_RAW_CANDIDATE = re.compile(rb"[0-9](?:[ \-]{0,3}[0-9]){12}")


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the right check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)
        if position % 2:
            value = value * 2 - 9 if value > 4 else value * 2  # noqa: PLR2004 - the digit sum of a doubled digit
        total += value
    return total % 10 == 0


def find_card_number(text: str) -> bool:
    """Whether `text` holds a card number: 13 to 19 Luhn-valid digits, separated or not, no further digit
    beside them."""
    return len(text) >= _DIGITS_MIN and next(_spans(text), None) is not None


def mask_card_numbers(text: str) -> str:
    """`text` with every card number in it replaced, for places that must show text of unknown origin."""
    masked, end_of_last = [], 0
    for start, end in _spans(text):
        if start >= end_of_last:
            masked += [text[end_of_last:start], "[card number]"]
            end_of_last = end
    return "".join([*masked, text[end_of_last:]]) if masked else text


def may_hold_card_number(raw: bytes) -> bool:
    """A quick look at JSON on the wire: False only if no string in it can hold a card number."""
    return not raw.isascii() or b"\\" in raw or _RAW_CANDIDATE.search(raw) is not None


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for candidate in _CANDIDATE.finditer(text):
        groups = list(_GROUP.finditer(text, candidate.start(), candidate.end()))
        for first in range(len(groups)):
            yield from _spans_from(groups, first)


def _spans_from(groups: list[re.Match[str]], first: int) -> Iterator[tuple[int, int]]:
    digits = ""
    for group in groups[first:]:
        digits += group.group()
        if len(digits) > _DIGITS_MAX:
            return
        if len(digits) >= _DIGITS_MIN and luhn_valid(digits):
            yield groups[first].start(), group.end()
