"""Days and times of requests: what passes the contract can be reckoned with behind it."""

import pytest

from payrail.runtime.clock import parse_rfc3339
from payrail.runtime.contract.formats import is_day, is_time
from payrail.runtime.contract.schemas import SchemaCompiler


@pytest.mark.parametrize("text", ["0001-01-01", "2024-02-29", "9999-12-31"])
def test_a_day_of_the_calendar_is_one(text: str) -> None:
    assert is_day(text)


@pytest.mark.parametrize("text", ["0000-01-01", "2026-02-29", "2026-1-1", "20260101", "\uff12026-01-01", ""])
def test_what_the_calendar_does_not_have_is_no_day(text: str) -> None:
    assert not is_day(text)


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T00:00:00Z", "2026-01-01t00:00:00.1234567890123z", "2026-01-01T23:59:59-23:59", "0001-01-01T00:00:00Z"],
)  # fmt: skip
def test_a_time_that_exists_is_one_and_can_be_read(text: str) -> None:
    assert is_time(text)
    parse_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "0000-01-01T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "9999-12-31T23:59:59.999999999Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-02-29T00:00:00Z",
    ],
)
def test_a_time_that_cannot_be_reckoned_with_is_none(text: str) -> None:
    assert not is_time(text)


def test_requests_are_held_to_them_and_answers_to_the_schema() -> None:
    schema = {"type": "string", "format": "date-time"}
    compiler = SchemaCompiler()
    assert not compiler.request(schema).is_valid("2016-12-31T23:59:60Z")
    assert compiler.response(schema).is_valid("2016-12-31T23:59:60Z")
