"""After all tests: was every operation answered well, and every documented status and code ever seen?

`make test` runs this file last, on what `tests/seen_answers.py` kept of all processes. What is missing is brought
about by a new test, or argued in `unseen_answers.py`, or has no place in the contract.
"""

import os
from pathlib import Path

import bundles
import pytest
from bundles import PROBLEM_JSON, Operation
from unseen_answers import code_argument, status_argument

from seen_answers import Seen, read

OPERATIONS = bundles.operations()
CLIENT_GONE = 499  # No answer: the log says so of a request whose client went away.
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def seen() -> set[Seen]:
    assert "PAYRAIL_SEEN" in os.environ, "run `make test`: this looks at what the whole suite has seen"
    answers = read(Path(os.environ["PAYRAIL_SEEN"]))
    assert answers, "no test has noted an answer"
    return answers


def documented(operation: Operation) -> set[Seen]:
    """Every answer that the contract gives the operation: good ones by status, problems by status and code."""
    found = set()
    for status, answer in operation.definition["responses"].items():
        media = answer.get("content", {}).get(PROBLEM_JSON)
        codes = media["schema"]["allOf"][1]["properties"]["code"]["enum"] if media else [None]
        found |= {Seen(operation.service, operation.name, int(status), code) for code in codes}
    return found


def of(answer: Seen, operation: Operation) -> bool:
    return (answer.service, answer.operation) == (operation.service, operation.name)


@each_operation
def test_operation_has_succeeded(operation: Operation, seen: set[Seen]) -> None:
    statuses = {answer.status for answer in seen if of(answer, operation)}
    assert any(status // 100 == 2 for status in statuses), statuses


@each_operation
def test_every_documented_status_was_seen_or_is_argued(operation: Operation, seen: set[Seen]) -> None:
    statuses = {answer.status for answer in seen if of(answer, operation)}
    unseen = {answer.status for answer in documented(operation)} - statuses
    assert {
        status for status in unseen if not status_argument(operation.service, operation.name, status)
    } == set()


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_every_code_was_seen_at_some_operation_or_is_argued(service: str, seen: set[Seen]) -> None:
    codes = {a.code for o in OPERATIONS if o.service == service for a in documented(o) if a.code}
    unseen = codes - {answer.code for answer in seen if answer.service == service}
    assert {code for code in unseen if not code_argument(service, str(code))} == set()


@each_operation
def test_every_answer_that_was_seen_is_documented(operation: Operation, seen: set[Seen]) -> None:
    """And nothing else is."""
    answers = {answer for answer in seen if of(answer, operation)}
    assert {s for s in answers - documented(operation) if s.status != CLIENT_GONE} == set()
