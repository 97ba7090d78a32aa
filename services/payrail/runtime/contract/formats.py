"""What a day and a time must be for a client to be understood: RFC 3339, and on the calendar of the years 1 to 9999.

JSON Schema takes more for valid: the year 0, leap seconds, and times that their offset moves off the calendar. Nothing
behind the contract could reckon with those.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date

from payrail.runtime.clock import parse_rfc3339

Formats = Mapping[str, Callable[[str], bool]]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def is_day(text: str) -> bool:
    """Whether it is a full-date of RFC 3339, 5.6, that exists."""
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """Whether it is a date-time of RFC 3339, 5.6, that exists in UTC, too."""
    if not _TIME.fullmatch(text):
        return False
    try:
        parse_rfc3339(text)
    except (ValueError, OverflowError):
        return False
    return True


#: The formats of JSON Schema that requests are held to more strictly.
REQUEST_FORMATS: Formats = {"date": is_day, "date-time": is_time}
