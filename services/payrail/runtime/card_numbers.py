"""Finds card numbers in text, so that none is kept or logged where it may not stand."""

import re
from collections.abc import Iterator
from itertools import accumulate

DIGITS_MIN = 13
_DIGITS_MAX = 19

# Up to three separators stand between two groups: spaces of any kind, hyphens and dashes, and what nobody sees.
_SEPARATOR = r"[\s\-\u2010-\u2015\u2212\u00ad\u200b-\u200d\u2060\ufeff]{0,3}"
_CANDIDATE = re.compile(rf"\d(?:{_SEPARATOR}\d){{{DIGITS_MIN - 1},}}")
_GROUP = re.compile(r"\d+")
# Times, amounts, versions and paths have dots, slashes and underscores, too: between these only the groups count that
# cards show.
_AS_ON_A_CARD = re.compile(
    r"(?<!\d)(?:\d{4}([._/])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{4}([._/])\d{6}\2\d{4,5})(?!\d)"
)
# The same for JSON as it comes on the wire, provided that it is ASCII and escapes nothing.
_NOT_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")
_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_DIGITS_IN_A_ROW = b"0" * DIGITS_MIN
_RAW_SEPARATORS = b" -._/"
_RAW_CANDIDATE = re.compile(rb"[0-9](?:[ \-._/]{0,3}[0-9]){12}")
# Random keys hold 13 Luhn-valid digits in a row once in some hundred to ten thousand, and UUIDs (RFC 9562) and long hex
# are what most keys, hashes and references are. With a letter in them they are no card numbers.
_RANDOM_KEY = re.compile(
    r"(?<![0-9a-z])(?=[0-9-]*[a-f])"
    r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|[0-9a-f]{32,128})"
    r"(?![0-9a-z])",
    re.IGNORECASE,
)


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
    beside them. What lies inside a UUID or 32 and more digits of hex is none."""
    if len(text) < DIGITS_MIN or (text.isascii() and _digits_of(text.encode("ascii")) < DIGITS_MIN):
        return False
    return next(_spans(text), None) is not None


def mask_card_numbers(text: str) -> str:
    """`text` with every card number in it replaced, for places that must show text of unknown origin."""
    masked, end_of_last = [], 0
    for start, end in sorted(_spans(text)):
        if start >= end_of_last:
            masked += [text[end_of_last:start], "[card number]"]
            end_of_last = end
    return "".join([*masked, text[end_of_last:]]) if masked else text


def may_hold_card_number(raw: bytes) -> bool:
    """A quick look at JSON on the wire: False only if no string in it can hold a card number."""
    if not raw.isascii() or b"\\" in raw:
        return True
    # Without separators a card number is digits in a row, which one search finds; the closer look comes after it.
    return (
        _DIGITS_IN_A_ROW in raw.translate(_AS_ZEROS, _RAW_SEPARATORS)
        and _RAW_CANDIDATE.search(raw) is not None
    )


def _digits_of(ascii_text: bytes) -> int:
    """How many digits there are: most texts have too few, and this is the quickest way to know."""
    return len(ascii_text.translate(None, _NOT_DIGITS))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    keys: list[tuple[int, int]] | None = None
    for candidate in _CANDIDATE.finditer(text):
        groups = list(_GROUP.finditer(text, candidate.start(), candidate.end()))
        for first, last in _windows([len(group.group()) for group in groups], candidate.group()):
            start, end = groups[first].start(), groups[last].end()
            if keys is None:
                keys = [key.span() for key in _RANDOM_KEY.finditer(text)]
            if not any(begin <= start and end <= finish for begin, finish in keys):
                yield start, end
    for card in _AS_ON_A_CARD.finditer(text):
        if luhn_valid("".join(_GROUP.findall(card.group()))):
            yield card.span()


def _windows(lengths: list[int], written: str) -> Iterator[tuple[int, int]]:
    """The first and last group of each card number, among groups of digits of these `lengths`.

    A card number begins and ends with a group, for no further digit stands beside it. Sums of all digits up
    to each place make the check of one window a subtraction, so that no text takes long to search.
    """
    ends = list(accumulate(lengths))
    sums = _luhn_sums([int(character) for character in written if character.isdecimal()])
    for first, length in enumerate(lengths):
        start = ends[first] - length
        for last in range(first, len(ends)):
            end = ends[last]
            if end - start > _DIGITS_MAX:
                break
            if end - start >= DIGITS_MIN and (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0:
                yield first, last


def _luhn_sums(digits: list[int]) -> tuple[list[int], list[int]]:
    """Sums of the first n digits, for all n: [0] is for windows with an even end, where even places are
    doubled."""
    even, odd = [0], [0]
    for place, digit in enumerate(digits):
        doubled = digit * 2 - 9 if digit > 4 else digit * 2  # noqa: PLR2004 - the digit sum of a doubled digit
        even.append(even[-1] + (digit if place % 2 else doubled))
        odd.append(odd[-1] + (doubled if place % 2 else digit))
    return even, odd
